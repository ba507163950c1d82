import { streamPath } from '@rovercast/contracts';
import type { StreamView } from './streams.dto';
import type { Stream } from './streams.repository';

const at = (time: Date | null): string | null => time?.toISOString() ?? null;

/** A stream as callers see it. */
export function streamView(stream: Stream, viewers: number | null): StreamView {
  const { id, robotId, camera, path, state, cause, detail, requestedAt, liveAt, endedAt, leaseUntil } =
    stream;
  return {
    id,
    robotId,
    camera,
    path,
    state,
    cause,
    detail,
    requestedAt: at(requestedAt),
    liveAt: at(liveAt),
    endedAt: at(endedAt),
    leaseUntil: endedAt === null ? at(leaseUntil) : null,
    viewers,
  };
}

/** A camera that has never streamed. */
export function idleView(robotId: string, camera: string): StreamView {
  return {
    id: null,
    robotId,
    camera,
    path: streamPath(robotId, camera),
    state: 'idle',
    cause: null,
    detail: null,
    requestedAt: null,
    liveAt: null,
    endedAt: null,
    leaseUntil: null,
    viewers: 0,
  };
}

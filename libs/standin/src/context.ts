import type { AccessGate } from './auth/access.gate';
import type { Hub } from './hub/hub';

/** A line for whoever started the stand-in; never holds a query, a body or credentials. */
export type LogLine = { msg: string } & Record<string, string | number | undefined>;

/** What every protocol's server needs. */
export interface Context {
  host: string;
  gate: AccessGate;
  hub: Hub;
  readTimeoutMs: number;
  log: (line: LogLine) => void;
}

/** A player that lets this much pile up does not read and is dropped. */
export const BACKLOG_MAX_BYTES = 16 * 1024 * 1024;

/** The peer's IP as MediaMTX prints it. */
export function ipOf(socket: { remoteAddress?: string | undefined }): string {
  return (socket.remoteAddress ?? '').replace(/^::ffff:/, '');
}

/** The peer's `ip:port`. */
export function addressOf(socket: {
  remoteAddress?: string | undefined;
  remotePort?: number | undefined;
}): string {
  const ip = ipOf(socket);
  return `${ip.includes(':') ? `[${ip}]` : ip}:${socket.remotePort ?? 0}`;
}

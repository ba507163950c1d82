import type { ProbedCamera, ProbedEncoder, ProbeProblem } from '@rovercast/contracts';

const ADVICE: Record<ProbeProblem, string> = {
  missing: 'nothing is there: check the device, path or address',
  busy: 'another program has it',
  denied: 'it refuses us: check login, or the group `video`',
  unreachable: 'its host does not answer',
  timeout: 'it was opened, and no picture came',
  no_video: 'there is no video in it that can be decoded',
  no_tool: 'no tool on this machine reads such a source',
  other: 'it gave no picture',
};

/** One line on a camera. */
export function cameraLine({ camera, ok, codec, width, height, fps, problem, detail }: ProbedCamera): string {
  const size = width ? `${width}x${height}` : undefined;
  const what = [codec, size, fps && `${fps} fps`].filter(Boolean).join(', ');
  if (ok) return `  ok      ${camera}: ${what}`;
  const why = [problem && ADVICE[problem], what, detail].filter(Boolean).join(' — ');
  return `  FAILED  ${camera}: ${why}`;
}

/** One line on an encoder. */
export function encoderLine({ backend, name, hardware, works, chosen }: ProbedEncoder): string {
  const kind = hardware ? 'hardware' : 'software';
  const state = chosen ? 'chosen' : works ? 'works' : 'no';
  return `  ${state.padEnd(7)} ${name} (${backend}, ${kind})`;
}

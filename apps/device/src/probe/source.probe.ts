import type { ProbedCamera } from '@rovercast/contracts';
import { scrub } from '@rovercast/platform';
import type { Encoders } from '../encoder/encoder.discovery';
import { runOnce } from '../encoder/one-shot';
import { canRead, ffmpegGlance, gstreamerSource } from '../encoder/pipeline.rules';
import type { Camera } from '../settings/cameras.rules';
import { judgeGlance, PROBE_FRAMES } from './probe.rules';

const TIMEOUT_MS = 10_000;
const MAX_OUTPUT_BYTES = 256_000;

/** Opens a camera for real and decodes a few pictures. Never rejects. */
export async function probeSource({ name, source }: Camera, encoders: Encoders): Promise<ProbedCamera> {
  const command = glanceCommand({ name, source }, encoders);
  if (!command)
    return { camera: name, ok: false, problem: 'no_tool', detail: 'no tool here reads such a camera' };
  const { stdout, stderr, ...end } = await runOnce(command.file, command.args, {
    timeoutMs: TIMEOUT_MS,
    maxBytes: MAX_OUTPUT_BYTES,
    setpriv: encoders.setpriv,
  });
  return judgeGlance(name, { ...end, stdout: stdout.toString(), stderr: scrub(stderr) });
}

function glanceCommand(
  { source }: Camera,
  { ffmpeg, gstreamer }: Encoders,
): { file: string; args: string[] } | undefined {
  if (ffmpeg && canRead('ffmpeg', source)) {
    const head = ['-hide_banner', '-nostdin', '-loglevel', 'info', '-nostats', '-progress', 'pipe:1'];
    const tail = ['-map', '0:v:0', '-frames:v', `${PROBE_FRAMES}`, '-f', 'null', '-'];
    return { file: ffmpeg.path, args: [...head, ...ffmpegGlance(source), ...tail] };
  }
  if (!gstreamer || !canRead('gstreamer', source)) return undefined;
  const [element, ...rest] = gstreamerSource(source);
  const limit = source.kind === 'rtsp' ? [] : [`num-buffers=${PROBE_FRAMES}`];
  const end = source.kind === 'rtsp' ? ['!', 'fakesink', `num-buffers=${PROBE_FRAMES}`] : ['!', 'fakesink'];
  return { file: gstreamer.path, args: ['-v', element, ...limit, ...rest, ...end] };
}

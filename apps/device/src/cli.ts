import 'reflect-metadata';
import { parseSettings, runProcess, SettingsError } from '@rovercast/platform';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { createDeviceApp } from './device-app';
import { discoverEncoders } from './encoder/encoder.discovery';
import { enroll, EnrolmentError } from './enroll/enroll.client';
import { cameraLine, encoderLine } from './probe/probe.text';
import { probeSource } from './probe/source.probe';
import { writeFileAtomically } from './settings/atomic-file';
import { parseCameras } from './settings/cameras.rules';
import { DeviceSettings } from './settings/device.settings';
import { legacyEnvironment } from './settings/legacy-environment.rules';

const HELP = `rovercast-device: the agent of one robot

  rovercast-device run [--env FILE]
      Runs the agent with the settings of the environment and of FILE (.env).

  rovercast-device probe [--camera NAME=SOURCE]… [--env FILE] [--json]
      Opens each camera and decodes a few pictures; tries every encoder for a second. Without --camera: those of CAMERAS.
      Ends with 1 when a camera fails or nothing encodes.
      Sources: test, v4l2:/dev/video0, libcamera[:name], argus[:sensor], file:<path>, rtsp://user:pass@host/path

  rovercast-device enroll --server URL --code CODE|- [--out FILE] [--force] [--allow-http]
      Fetches the robot's settings with a one-time code (- reads it from standard input) and writes FILE (.env), mode 0600.
`;

const say = (line: string): void => void process.stdout.write(`${line}\n`);

/** The environment, with a file's settings behind it. */
function environment(file: string | undefined): Record<string, string | undefined> {
  if (file !== undefined && !existsSync(file)) throw new SettingsError(`--env: there is no ${file}`);
  if (existsSync(file ?? '.env')) process.loadEnvFile(file ?? '.env');
  return legacyEnvironment(process.env);
}

function run(args: string[]): Promise<void> {
  const { values } = parseArgs({ args, options: { env: { type: 'string' } } });
  return runProcess('device', async () => {
    const settings = parseSettings(DeviceSettings, environment(values.env));
    const { STATE_DIR, STATE_DIRECTORY } = process.env;
    const app = await createDeviceApp(settings, { stateDir: STATE_DIR ?? STATE_DIRECTORY });
    await app.listen(settings.port, settings.host);
    // What was needed to start is not needed any more; the runtime alone would keep it for hours. Absent without --expose-gc.
    setTimeout(() => globalThis.gc?.(), 3_000).unref();
    return app;
  });
}

async function probe(args: string[]): Promise<number> {
  const { values } = parseArgs({
    args,
    options: {
      camera: { type: 'string', multiple: true },
      env: { type: 'string' },
      json: { type: 'boolean' },
    },
  });
  const known = environment(values.env);
  const list = values.camera?.length ? values.camera.join(',') : (known.CAMERAS ?? 'main=test');
  const encoders = await discoverEncoders({
    ffmpegPath: known.FFMPEG_PATH,
    gstLaunchPath: known.GST_LAUNCH_PATH,
  });
  const cameras = [];
  for (const camera of parseCameras(list)) cameras.push(await probeSource(camera, encoders));
  const trials = encoders.trials ?? [];
  if (values.json) say(JSON.stringify({ v: 1, cameras, encoders: trials }, undefined, 2));
  else say(['Cameras', ...cameras.map(cameraLine), 'Encoders', ...trials.map(encoderLine)].join('\n'));
  return cameras.every(({ ok }) => ok) && trials.some(({ works }) => works) ? 0 : 1;
}

async function enrollHere(args: string[]): Promise<number> {
  const { values } = parseArgs({
    args,
    options: {
      server: { type: 'string' },
      code: { type: 'string' },
      out: { type: 'string', default: '.env' },
      force: { type: 'boolean' },
      'allow-http': { type: 'boolean' },
    },
  });
  const code = values.code === '-' ? readFileSync(0, 'utf8').trim() : values.code;
  if (!values.server || !code) throw new EnrolmentError('enroll needs --server and --code');
  const file = resolve(values.out);
  if (existsSync(file) && !values.force) throw new EnrolmentError(`${file} exists; --force replaces it`);
  mkdirSync(dirname(file), { recursive: true });
  const { robotId, dotenv } = await enroll(values.server, code, { allowHttp: values['allow-http'] });
  writeFileAtomically(file, dotenv.endsWith('\n') ? dotenv : `${dotenv}\n`);
  say(`This is robot ${robotId} now; its settings are in ${file}.`);
  return 0;
}

async function main([command, ...args]: string[]): Promise<number | undefined> {
  switch (command) {
    case 'run':
      await run(args);
      return undefined;
    case 'probe':
      return probe(args);
    case 'enroll':
      return enrollHere(args);
    case '--help':
    case '-h':
    case 'help':
      say(HELP.trimEnd());
      return 0;
    default:
      process.stderr.write(`${command ? `There is no command ${command}.\n\n` : ''}${HELP}`);
      return 2;
  }
}

main(process.argv.slice(2)).then(
  (exitCode) => {
    if (exitCode !== undefined) process.exitCode = exitCode;
  },
  (error: Error) => {
    process.stderr.write(`rovercast-device: ${error.message}\n`);
    process.exitCode = 1;
  },
);

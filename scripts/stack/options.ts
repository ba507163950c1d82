import { parseArgs } from 'node:util';

/** What `npm start` was asked for. */
export interface Options {
  /** Port of the gateway; the next free one is taken when it is in use, any free one for 0. */
  port: number;
  /** Address of everything that others are meant to reach: gateway, broker and media. */
  host: string;
  /** Undefined: `.run/data`. */
  dataDir?: string;
  robot: boolean;
  help: boolean;
}

/** The command line is not usable; the message is one sentence for the person who typed it. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

export const HELP = `npm start -- [options]

Brings up all of Rovercast on this machine: database, broker, media server, auth, monitor, gateway and a demo robot.

  --port <n>        port of the gateway (3000; the next free one when it is taken, any free one for 0)
  --host <address>  address for gateway, broker and media (127.0.0.1); 0.0.0.0 opens them to the network
  --data-dir <dir>  where the state lives (.run/data); a second folder makes a second system beside the first
  --no-robot        leave the demo robot out
  --help            this text

Real parts take the place of embedded ones by their URL alone:
  DATABASE_URL      a Postgres database (15 or newer)
  MQTT_URL          an MQTT 5 broker that lets in who our auth app lets in (MQTT_VERSION=4 for one that speaks 3.1.1 only)
  MEDIAMTX_API_URL  control API of a running MediaMTX whose authHTTPAddress points at our auth app
  MEDIAMTX_BIN      MediaMTX program to run; "embedded" takes the stand-in although a mediamtx is on the PATH
  FFMPEG_PATH       FFmpeg program
Every other setting of .env.example is handed on to the apps.
`;

function parsePort(text: string): number {
  const port = Number(text);
  if (!/^\d+$/.test(text) || port > 65535)
    throw new UsageError(`--port wants a number from 0 to 65535, not "${text}"`);
  return port;
}

/** @throws UsageError */
export function parseOptions(argv: string[]): Options {
  try {
    const { values } = parseArgs({
      args: argv,
      options: {
        port: { type: 'string', default: '3000' },
        host: { type: 'string', default: '127.0.0.1' },
        'data-dir': { type: 'string' },
        'no-robot': { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
    if (values.host === '') throw new UsageError('--host wants an address');
    if (values['data-dir'] === '') throw new UsageError('--data-dir wants a folder');
    return {
      port: parsePort(values.port),
      host: values.host,
      dataDir: values['data-dir'],
      robot: !values['no-robot'],
      help: values.help,
    };
  } catch (error) {
    if (error instanceof UsageError) throw error;
    const sentence = (error as Error).message.split(/[.:] |\n/)[0].replace(/'/g, '"');
    throw new UsageError(`${sentence}; --help lists the options`);
  }
}

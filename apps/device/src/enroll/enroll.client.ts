import { isId } from '@rovercast/contracts';
import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';

/** What a robot gets for its code, once. */
export interface Enrolment {
  robotId: string;
  /** Content of its `.env`: broker login, keys, configuration. */
  dotenv: string;
}

/** Enrolment did not happen; the message is for the person who typed the command. */
export class EnrolmentError extends Error {
  override readonly name = 'EnrolmentError';
}

const TIMEOUT_MS = 15_000;
const MAX_ANSWER_BYTES = 65_536;
const LOOPBACK = new Set(['127.0.0.1', 'localhost', '[::1]']);

/**
 * Changes a one-time code into what the robot needs. The answer holds the robot's key: without TLS it is asked for on this machine
 * only, unless `allowHttp`.
 * @throws EnrolmentError
 */
export async function enroll(
  server: string,
  code: string,
  { allowHttp = false }: { allowHttp?: boolean } = {},
): Promise<Enrolment> {
  const url = addressOf(server, allowHttp);
  const { status, text } = await post(url, JSON.stringify({ code }));
  if (status === 200 || status === 201) return readEnrolment(text);
  throw new EnrolmentError(refusal(status, text));
}

function addressOf(server: string, allowHttp: boolean): URL {
  const url = URL.canParse(server) ? new URL(server) : undefined;
  if (!url || !['http:', 'https:'].includes(url.protocol)) {
    throw new EnrolmentError('--server is not an http:// or https:// address');
  }
  if (url.protocol === 'http:' && !allowHttp && !LOOPBACK.has(url.hostname)) {
    throw new EnrolmentError(
      'http:// would show the robot’s key to the network; use https://, or --allow-http',
    );
  }
  url.pathname = `${url.pathname.replace(/\/$/, '')}/v1/enroll`;
  return url;
}

function post(url: URL, body: string): Promise<{ status: number; text: string }> {
  const request = url.protocol === 'https:' ? requestHttps : requestHttp;
  return new Promise((resolve, reject) => {
    const fail = (error: Error): void =>
      reject(new EnrolmentError(`the server cannot be asked: ${error.message}`));
    const asking = request(url, {
      method: 'POST',
      agent: false,
      headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) },
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    asking.on('error', fail);
    asking.on('response', (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
        if (text.length > MAX_ANSWER_BYTES) response.destroy(new Error('its answer is too long'));
      });
      response.on('error', fail);
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
    });
    asking.end(body);
  });
}

function readEnrolment(text: string): Enrolment {
  const { robotId, dotenv } = readJson(text);
  const usable = typeof robotId === 'string' && isId(robotId) && typeof dotenv === 'string' && dotenv !== '';
  if (usable && !dotenv.includes('\0')) return { robotId, dotenv };
  throw new EnrolmentError('the server’s answer is no enrolment');
}

/** The server's own sentence, where it gave one. */
function refusal(status: number, text: string): string {
  const { detail } = readJson(text);
  const words = typeof detail === 'string' ? `: ${detail.slice(0, 300)}` : '';
  return `the server refused the code (${status}${words}); codes are good once, for 10 minutes`;
}

function readJson(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

import type { LoggerService } from '@nestjs/common';
import { pino, type Logger as PinoLogger } from 'pino';
import { scrub } from './scrub.rules';

type Line = string | ({ msg: string } & Record<string, unknown>);

const toLine = (line: unknown): { fields: Record<string, unknown>; text: string } => {
  if (line instanceof Error)
    return { fields: { error: scrub(line.stack ?? line.message) }, text: scrub(line.message) };
  if (typeof line === 'object' && line !== null) {
    const { msg, ...fields } = line as { msg?: unknown } & Record<string, unknown>;
    return { fields: scrubFields(fields), text: scrub(typeof msg === 'string' ? msg : '') };
  }
  return { fields: {}, text: scrub(String(line)) };
};

/** Deeper parts of a logged value are cut; a circle ends there too. */
const MAX_DEPTH = 5;

const hasOwnForm = (value: object): value is { toJSON(): unknown } =>
  'toJSON' in value && typeof value.toJSON === 'function';

function scrubValue(value: unknown, depth: number): unknown {
  if (typeof value === 'string') return scrub(value);
  if (value instanceof Error) return scrub(value.stack ?? value.message);
  if (typeof value !== 'object' || value === null) return value;
  if (depth > MAX_DEPTH) return '…';
  if (Array.isArray(value)) return value.map((item) => scrubValue(item, depth + 1));
  if (hasOwnForm(value)) return scrubValue(value.toJSON(), depth + 1);
  return scrubFields(value, depth + 1);
}

const scrubFields = (fields: object, depth = 0): Record<string, unknown> =>
  Object.fromEntries(Object.entries(fields).map(([key, value]) => [key, scrubValue(value, depth)]));

/**
 * One JSON line per event on standard output, credentials in URLs and queries masked.
 * debug: decisions that allowed; info: state changes; warn: denied, kicked, retried; error: a human must look.
 */
export class JsonLogger implements LoggerService {
  private readonly pino: PinoLogger;

  constructor(level: string, app: string, stream?: { write(line: string): void }) {
    const options = {
      level,
      base: { app },
      messageKey: 'msg',
      timestamp: () => `,"at":"${new Date().toISOString()}"`,
      formatters: { level: (label: string) => ({ level: label }) },
    };
    // Node's own stream, not pino's: that one tries for ever to empty itself into a pipe that nobody reads any more.
    this.pino = pino(options, stream ?? { write: (line) => void process.stdout.write(line) });
  }

  debug = (line: Line | Error, ...rest: unknown[]): void => this.write('debug', line, rest);
  /** Nest's own chatter while it wires modules up is of use to its developers only. */
  log = (line: Line | Error, ...rest: unknown[]): void =>
    this.write(isNestChatter(rest) ? 'debug' : 'info', line, rest);
  info = (line: Line | Error, ...rest: unknown[]): void => this.write('info', line, rest);
  warn = (line: Line | Error, ...rest: unknown[]): void => this.write('warn', line, rest);
  error = (line: Line | Error, ...rest: unknown[]): void => this.write('error', line, rest);
  fatal = (line: Line | Error, ...rest: unknown[]): void => this.write('error', line, rest);
  verbose = (line: Line | Error, ...rest: unknown[]): void => this.write('debug', line, rest);

  private write(level: 'debug' | 'info' | 'warn' | 'error', line: Line | Error, rest: unknown[]): void {
    if (!this.pino.isLevelEnabled(level)) return;
    const { fields, text } = toLine(line);
    const texts = rest.filter((item): item is string => typeof item === 'string');
    const context = scrub(texts.at(-1) ?? '');
    const stack = texts.length > 1 ? scrub(texts[0]) : undefined;
    this.pino[level]({ ...(context && { context }), ...fields, ...(stack && { stack }) }, text);
  }
}

const NEST_CONTEXTS = new Set([
  'NestFactory',
  'InstanceLoader',
  'RoutesResolver',
  'RouterExplorer',
  'NestApplication',
]);
const isNestChatter = (rest: unknown[]): boolean => NEST_CONTEXTS.has(rest.at(-1) as string);

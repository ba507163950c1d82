import { formatDuration, parseDurationMs } from './duration.rules';
import { PATH_DEFAULTS } from './path-defaults';

/** The keys that somebody set, as they came. */
export type SparseConf = Record<string, unknown>;

const DURATION = /(Timeout|CloseAfter|Duration|DeleteAfter)$/;
const SOURCE = /^(rtsp|rtsps|rtmp|rtmps|http|https|srt|whep|wheps|udp\+mpegts|udp\+rtp|moqt):\/\//;

/** Reads the body of an add, patch or replace; throws MediaMTX's words for what it refuses. */
export function parseConfBody(body: string): SparseConf {
  const value = parseJson(body);
  const kind = kindOf(value);
  if (kind !== 'object') {
    throw new Error(`json: cannot unmarshal ${kind} into Go value of type map[string]json.RawMessage`);
  }
  const conf = value as SparseConf;
  for (const [key, given] of Object.entries(conf)) {
    if (!(key in PATH_DEFAULTS)) throw new Error(`json: unknown field ${JSON.stringify(key)}`);
    if (given !== null) checkType(PATH_DEFAULTS[key], given);
    if (DURATION.test(key) && typeof given === 'string') parseDurationMs(given);
  }
  return conf;
}

/** Checks what only holds together (conf/path.go); throws MediaMTX's words. */
export function checkConf(name: string, conf: SparseConf): void {
  const full = effectiveConf(name, conf);
  const { source, sourceOnDemand } = full as { source: string; sourceOnDemand: boolean };
  if (source === 'publisher') {
    if (sourceOnDemand) throw new Error("'sourceOnDemand' is useless when source is 'publisher'");
    return;
  }
  if (!SOURCE.test(source)) throw new Error(`invalid source: '${source}'`);
  if (!URL.canParse(source.replace(/\$G\d+/g, 'abc'))) throw new Error(`'${source}' is not a valid URL`);
  const { username, password } = new URL(source.replace(/\$G\d+/g, 'abc'));
  if ((username === '') !== (password === '')) throw new Error('username and password must be both provided');
  if (name.startsWith('~') && !sourceOnDemand) {
    throw new Error(
      "a path with a regular expression (or path 'all_others') and a static source must have 'sourceOnDemand' set to true",
    );
  }
}

/** Every key, with defaults for what nobody set and durations as they read back. */
export function effectiveConf(name: string, conf: SparseConf): Record<string, unknown> {
  const full: Record<string, unknown> = { name, ...PATH_DEFAULTS };
  for (const [key, given] of Object.entries(conf)) {
    if (given === null) continue;
    full[key] =
      DURATION.test(key) && typeof given === 'string' ? formatDuration(parseDurationMs(given)) : given;
  }
  return full;
}

function parseJson(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    throw new Error('unexpected end of JSON input');
  }
}

const GO_TYPES: Record<string, string> = { boolean: 'bool', number: 'int', string: 'string' };

function checkType(standard: unknown, given: unknown): void {
  const wanted = kindOf(standard);
  const got = kindOf(given);
  const type = GO_TYPES[typeof standard];
  if (wanted !== got)
    throw new Error(`json: cannot unmarshal ${got} into Go value of type ${type ?? wanted}`);
  if (type === 'int' && !Number.isInteger(given)) {
    throw new Error(`json: cannot unmarshal number ${String(given)} into Go value of type int`);
  }
}

function kindOf(value: unknown): string {
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'boolean') return 'bool';
  return typeof value;
}

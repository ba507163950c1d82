/** The levels of our apps' JSON lines that a person at the terminal should see. */
const SHOWN = new Set(['warn', 'error', 'fatal']);

/** MediaMTX v1.20.1 writes `2026/11/20 11:00:00 WAR [RTSP] …`. */
const MEDIA_SERVER_LINE = /^\d{4}\/\d\d\/\d\d \d\d:\d\d:\d\d (WAR|ERR) (.*)$/;

const parseObject = (line: string): Record<string, unknown> | undefined => {
  if (!line.startsWith('{')) return undefined;
  try {
    return JSON.parse(line) as Record<string, unknown>;
  } catch {
    return undefined;
  }
};

const BOOKKEEPING = new Set(['level', 'app', 'at', 'msg', 'context', 'stack']);

/** What to show of one line of a process' log at the terminal: warnings and errors in short form; undefined for the rest. */
export function notable(line: string, stream: 'stdout' | 'stderr'): string | undefined {
  const media = MEDIA_SERVER_LINE.exec(line);
  if (media) return `${media[1] === 'WAR' ? 'warn' : 'error'}: ${media[2]}`;
  const event = parseObject(line);
  if (!event) return stream === 'stderr' && line.trim() !== '' ? line : undefined;
  if (!SHOWN.has(String(event.level))) return undefined;
  const details = Object.entries(event)
    .filter(([key, value]) => !BOOKKEEPING.has(key) && typeof value !== 'object')
    .map(([key, value]) => `${key}=${String(value).split('\n')[0]}`);
  return [`${String(event.level)}: ${String(event.msg)}`, ...details].join(' ');
}

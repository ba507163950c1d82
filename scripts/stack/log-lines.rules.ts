/** The levels of our apps' JSON lines that a person at the terminal should see. */
const SHOWN = new Set(['warn', 'error', 'fatal']);

/** MediaMTX v1.20.1 writes `2026/11/20 11:00:00 WAR [RTSP] …`. */
const MEDIA_SERVER_LINE = /^\d{4}\/\d\d\/\d\d \d\d:\d\d:\d\d (DEB|INF|WAR|ERR) (.*)$/;
const MEDIA_SERVER_LEVELS: Record<string, string | undefined> = { WAR: 'warn', ERR: 'error' };

const parseObject = (line: string): Record<string, unknown> | undefined => {
  if (!line.startsWith('{')) return undefined;
  try {
    return JSON.parse(line) as Record<string, unknown>;
  } catch {
    return undefined;
  }
};

const BOOKKEEPING = new Set(['level', 'app', 'at', 'msg', 'context', 'stack']);

/**
 * What to show of one line of a process' log at the terminal: warnings and errors in short form, and whatever is neither an
 * event nor a line of MediaMTX, such as the words of a crash; undefined for the rest.
 */
export function notable(line: string): string | undefined {
  const [, mediaLevel, mediaText] = MEDIA_SERVER_LINE.exec(line) ?? [];
  if (mediaLevel) {
    const level = MEDIA_SERVER_LEVELS[mediaLevel];
    return level && `${level}: ${mediaText}`;
  }
  const event = parseObject(line);
  if (!event) return line.trim() === '' ? undefined : line;
  if (!SHOWN.has(String(event.level))) return undefined;
  const details = Object.entries(event)
    .filter(([key, value]) => !BOOKKEEPING.has(key) && typeof value !== 'object')
    .map(([key, value]) => `${key}=${String(value).split('\n')[0]}`);
  return [`${String(event.level)}: ${String(event.msg)}`, ...details].join(' ');
}

import type { StackFile } from './stack-file';
import type { MovedPort } from './ports';

export interface BannerFacts {
  stack: StackFile;
  srtUrl: string | null;
  flvUrl: string | null;
  moved: MovedPort[];
  /** How the media server came to be: its program, or why the stand-in. */
  mediaServer: string;
  database: string;
  broker: string;
  ffmpegPath?: string;
  dataDir: string;
  logDir: string;
  tookMs: number;
  /** Setting that somebody has to make by hand, one sentence each. */
  hints: string[];
}

const row = (name: string, value: string): string => `  ${name.padEnd(13)}${value}`;

function tryCommands(stack: StackFile): string[] {
  const { gateway, accounts, robot, media } = stack;
  if (!robot) return [];
  const login = JSON.stringify(accounts.admin);
  const path = `robots/${robot.id}`;
  const commands = [
    `TOKEN=$(curl -s ${gateway.url}/v1/auth/login -H 'content-type: application/json' -d '${login}' | sed 's/.*"accessToken":"\\([^"]*\\)".*/\\1/') && curl -s -X POST "${gateway.url}/v1/robots/${robot.id}/stream?wait=live" -H "authorization: Bearer $TOKEN"`,
  ];
  if (media.rtspUrl) {
    const { username, password } = accounts.viewer;
    commands.push(
      `ffplay -rtsp_transport tcp ${media.rtspUrl.replace('://', `://${username}:${password}@`)}/${path}`,
    );
  }
  return ['', 'Try', ...commands.map((command) => `  ${command}`)];
}

/** What the person at the terminal sees once everything is up. */
export function banner(facts: BannerFacts): string {
  const { stack } = facts;
  const urls: [string, string | null][] = [
    ['gateway', `${stack.gateway.url}  (API: ${stack.gateway.url}/docs)`],
    ['auth', stack.auth.url],
    ['monitor', `${stack.monitor.url}  (metrics: ${stack.monitor.url}/metrics)`],
    ['broker', `${facts.broker}  ${stack.mqtt.url.replace(/\/\/[^@/]*@/, '//')}`],
    ['database', facts.database],
    ['media', facts.mediaServer],
    ['  RTSP', stack.media.rtspUrl],
    ['  RTMP', stack.media.rtmpUrl],
    ['  HLS', stack.media.hlsUrl],
    ['  WebRTC', stack.media.webrtcUrl],
    ['  SRT', facts.srtUrl],
    ['  HTTP-FLV', facts.flvUrl],
    ['encoder', facts.ffmpegPath ?? 'none: install FFmpeg, or the demo robot cannot stream'],
    ['robot', stack.robot?.id ?? 'none (--no-robot)'],
  ];
  const accounts = Object.values(stack.accounts).map(({ username, password }) => row(username, password));
  const moved = facts.moved.map(({ name, wanted, taken }) =>
    row(name, `port ${wanted} is taken; on ${taken} instead`),
  );
  return [
    '',
    `Rovercast is up (${(facts.tookMs / 1000).toFixed(1)} s)`,
    '',
    ...urls
      .filter((entry): entry is [string, string] => entry[1] !== null)
      .map(([name, value]) => row(name, value)),
    ...(moved.length > 0 ? ['', 'Moved ports', ...moved] : []),
    ...(facts.hints.length > 0 ? ['', 'To do by hand', ...facts.hints.map((hint) => `  ${hint}`)] : []),
    '',
    'Demo accounts',
    ...accounts,
    ...tryCommands(stack),
    '',
    `State in ${facts.dataDir}, logs in ${facts.logDir}. Ctrl-C stops everything.`,
    '',
  ].join('\n');
}

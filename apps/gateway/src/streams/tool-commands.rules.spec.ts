import { execFileSync } from 'node:child_process';
import { mediaBases, publisherUrls, viewerUrls } from './stream-urls.rules';
import { publisherCommands, shellQuote, viewerCommands } from './tool-commands.rules';

const BASES = mediaBases({ mediamtxPublicHost: 'h' });
const NONE = { mediaRtspUrl: 'none', mediaRtmpUrl: 'none', mediaHlsUrl: 'none', mediaWebrtcUrl: 'none' };

describe('shellQuote', () => {
  it.each([
    ['plain', `'plain'`],
    ['', `''`],
    [`it's`, `'it'\\''s'`],
    [`'`, `''\\'''`],
  ])('makes %j the word %s', (text, word) => expect(shellQuote(text)).toBe(word));

  it.each([
    'rtsp://h/p?user=a&pass=b',
    `'; touch /tmp/hacked; echo '`,
    `$(id) \`id\` $HOME \${HOME} "$@" !! !x *.ts ~ # \\ \\' \\\\`,
    `''''`,
    'two\nlines\tand a tab',
    '-rf',
    'ключ 💥',
  ])('hands %j through a shell unchanged', (text) => {
    const out = execFileSync('/bin/sh', ['-c', `printf %s ${shellQuote(text)}`], { encoding: 'utf8' });
    expect(out).toBe(text);
  });
});

/** The words of a command as the shell makes them. */
const wordsOf = (command: string | null): string[] =>
  execFileSync('/bin/sh', ['-c', `printf '%s\\0' ${command}`], { encoding: 'utf8' })
    .split('\0')
    .slice(0, -1);

describe('commands to watch', () => {
  const commands = viewerCommands(BASES, 'robots/r1', 'T');

  it('carry the ticket where the tool passes it on', () => {
    expect(commands.vlc).toBe(`vlc --rtsp-tcp 'rtsp://h:8554/robots/r1?token=T'`);
    expect(commands.ffplay).toBe(`ffplay -rtsp_transport tcp 'rtsp://h:8554/robots/r1?token=T'`);
    expect(wordsOf(commands.gstreamerPlay)).toContain('location=rtsp://h:8554/robots/r1?token=T');
    expect(commands.browser).toEqual({
      whep: 'http://h:8889/robots/r1/whep?token=T',
      whip: null,
      hlsPage: 'http://h:8888/robots/r1/?token=T',
      webrtcPage: 'http://h:8889/robots/r1/?token=T',
    });
    expect(commands.qr).toBe('http://h:8888/robots/r1/?token=T');
  });

  it('hold nothing to publish with', () => {
    const { ffmpegPublish, ffmpegPublishRtmp, ffmpegPublishSrt, gstreamerPublish, obs } = commands;
    expect([ffmpegPublish, ffmpegPublishRtmp, ffmpegPublishSrt, gstreamerPublish, obs]).toEqual(
      Array(5).fill(null),
    );
  });

  it('use what is served', () => {
    const hlsOnly = mediaBases({ mediamtxPublicHost: 'h', ...NONE, mediaHlsUrl: 'https://h' });
    expect(viewerCommands(hlsOnly, 'p', 'T')).toMatchObject({
      vlc: `vlc 'https://h/p/index.m3u8?token=T'`,
      ffplay: `ffplay 'https://h/p/index.m3u8?token=T'`,
      gstreamerPlay: null,
    });
    const nothing = mediaBases({ mediamtxPublicHost: 'h', ...NONE, mediaSrtUrl: 'none' });
    expect(viewerCommands(nothing, 'p', 'T')).toMatchObject({ vlc: null, ffplay: null, qr: null });
    expect(publisherCommands(nothing, 'p', 'T')).toMatchObject({ ffmpegPublish: null, obs: null, qr: null });
  });

  it('stay one word each for a base that somebody set in bad faith', () => {
    const bases = mediaBases({ mediamtxPublicHost: 'h', mediaRtspUrl: `rtsp://h'$(id)` });
    expect(wordsOf(viewerCommands(bases, 'p', 'T').vlc).at(-1)).toBe(`rtsp://h'$(id)/p?token=T`);
  });
});

describe('commands to publish', () => {
  const commands = publisherCommands(BASES, 'robots/r1/front', 'T');

  it('carry the ticket where the tool passes it on', () => {
    expect(wordsOf(commands.ffmpegPublish).slice(-5)).toEqual([
      '-f',
      'rtsp',
      '-rtsp_transport',
      'tcp',
      'rtsp://h:8554/robots/r1/front?token=T',
    ]);
    expect(wordsOf(commands.ffmpegPublishRtmp).at(-1)).toBe('rtmp://h:1935/robots/r1/front?token=T');
    expect(wordsOf(commands.ffmpegPublishSrt).at(-1)).toBe(
      'srt://h:8890?streamid=publish:robots/r1/front:token=T&pkt_size=1316',
    );
    expect(wordsOf(commands.gstreamerPublish).at(-1)).toBe('location=rtsp://h:8554/robots/r1/front?token=T');
    expect(commands.browser.whip).toBe('http://h:8889/robots/r1/front/whip?token=T');
    expect([commands.vlc, commands.ffplay, commands.gstreamerPlay]).toEqual([null, null, null]);
  });

  it.each([
    ['robots/r1/front', 'rtmp://h:1935/robots/r1', 'front?token=T'],
    ['robots/r1', 'rtmp://h:1935/robots', 'r1?token=T'],
    ['r1', 'rtmp://h:1935', 'r1?token=T'],
  ])('give OBS the path %s as server %s and key %s', (path, server, streamKey) => {
    expect(publisherCommands(BASES, path, 'T').obs).toEqual({ server, streamKey });
  });
});

it('leaves SRT out when the stream id would be too long for it', () => {
  const path = 'p'.repeat(200);
  expect(viewerUrls(BASES, path, 'T'.repeat(300)).srt).toContain('streamid=read:p');
  expect(viewerUrls(BASES, path, 'T'.repeat(301)).srt).toBeNull();
  expect(publisherUrls(BASES, path, 'T'.repeat(298)).srt).toBeNull();
  expect(publisherCommands(BASES, path, 'T'.repeat(298)).ffmpegPublishSrt).toBeNull();
});

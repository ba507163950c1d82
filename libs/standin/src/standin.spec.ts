import { once } from 'node:events';
import { createServer, get, type IncomingMessage } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { fragmentNal } from './media/rtp-h264.rules';
import { buildRtp } from './media/rtp.rules';
import { formatFrame, formatRequest, RtspReader } from './rtsp/rtsp-message.rules';
import type { Standin } from './options';
import { startStandin } from './standin';

const SPS = 'Z0LADNoFB+wEQAAAAwBAAAAHo8UKqA==';
const SDP = [
  'v=0',
  'm=video 0 RTP/AVP 96',
  'a=rtpmap:96 H264/90000',
  `a=fmtp:96 packetization-mode=1; sprop-parameter-sets=${SPS},aM4PyA==`,
  'a=control:streamid=0',
  '',
].join('\r\n');

/** Publishes made-up pictures over RTSP/TCP. */
class Publisher {
  private readonly socket: Socket;
  private readonly reader = new RtspReader();
  private sequence = 0;
  private picture = 0;

  constructor(private readonly url: string) {
    this.socket = connect(Number(new URL(url).port), '127.0.0.1');
    this.socket.on('error', () => undefined);
  }

  async start(): Promise<void> {
    await this.ask(
      'ANNOUNCE',
      this.url,
      { 'Content-Type': 'application/sdp', 'Content-Length': `${SDP.length}` },
      SDP,
    );
    const transport = 'RTP/AVP/TCP;unicast;interleaved=0-1;mode=record';
    const session = await this.ask('SETUP', `${this.url}/streamid=0`, { Transport: transport });
    await this.ask('RECORD', this.url, { Session: session });
  }

  /** One key picture; resolves when the kernel took it. */
  async send(bytes: number): Promise<void> {
    const nal = Buffer.concat([Buffer.from([0x65]), Buffer.alloc(bytes, 0x5a)]);
    const payloads = fragmentNal(nal, 60_000);
    const timestamp = this.picture++ * 3_000;
    const frames = payloads.map((payload, index) => {
      const marker = index === payloads.length - 1;
      return formatFrame(
        0,
        buildRtp({
          payloadType: 96,
          marker,
          sequence: this.sequence++ & 0xffff,
          timestamp,
          ssrc: 1,
          payload,
        }),
      );
    });
    if (!this.socket.write(Buffer.concat(frames))) await once(this.socket, 'drain');
  }

  stop(): void {
    this.socket.destroy();
  }

  private async ask(
    method: string,
    url: string,
    headers: Record<string, string>,
    body = '',
  ): Promise<string> {
    this.socket.write(formatRequest(method, url, { CSeq: '1', ...headers }) + body);
    for (;;) {
      const [data] = (await once(this.socket, 'data')) as [Buffer];
      const [event] = this.reader.push(data);
      if (event?.kind !== 'response') continue;
      expect(event.status).toBe(200);
      return event.headers.get('session')?.split(';')[0] ?? '';
    }
  }
}

describe('the stand-in', () => {
  const hook = createServer((_request, response) => response.writeHead(204).end());
  let standin: Standin;
  let publisher: Publisher;

  const options = () => ({
    host: '127.0.0.1',
    rtmpPort: 0,
    rtspPort: 0,
    hlsPort: 0,
    flvPort: 0,
    apiPort: 0,
    authUrl: `http://user:secret@127.0.0.1:${(hook.address() as AddressInfo).port}`,
    ffmpegPath: 'ffmpeg',
  });
  const readers = async () => {
    const list = (await (await fetch(`${standin.urls.apiUrl}/v3/paths/list`)).json()) as {
      items: { readers: unknown[] }[];
    };
    return list.items[0]?.readers.length;
  };
  const watch = () =>
    new Promise<IncomingMessage>((resolve) => {
      get(`${standin.urls.flvUrl}/cam.flv`, { agent: false }, resolve).on('error', () => undefined);
    });

  beforeAll(async () => {
    hook.listen(0, '127.0.0.1');
    await once(hook, 'listening');
    standin = await startStandin(options());
    publisher = new Publisher(`${standin.urls.rtspUrl}/cam`);
    await publisher.start();
  });
  afterAll(async () => {
    publisher.stop();
    await standin.close();
    hook.closeAllConnections();
    await new Promise((resolve) => hook.close(resolve));
  });

  it('serves HTTP-FLV from the last key picture on', async () => {
    await publisher.send(1_000);
    const response = await watch();
    expect(response.headers['content-type']).toBe('video/x-flv');
    let data = Buffer.alloc(0);
    for await (const chunk of response as AsyncIterable<Buffer>) {
      data = Buffer.concat([data, chunk]);
      if (data.length > 1_000) break;
    }
    expect(data.toString('latin1', 0, 3)).toBe('FLV');
    expect([data[13], data[13 + 11]]).toEqual([9, 0x17]);
    response.destroy();
  });

  it('drops a reader that does not read, and keeps the others', async () => {
    const [lazy, eager] = await Promise.all([watch(), watch()]);
    let got = 0;
    eager.on('data', (data: Buffer) => (got += data.length));
    lazy.pause();
    lazy.on('error', () => undefined);
    eager.on('error', () => undefined);
    for (let sent = 0; sent < 80 && (await readers()) !== 1; sent++) await publisher.send(1_000_000);
    expect(await readers()).toBe(1);
    expect(got).toBeGreaterThan(10_000_000);
    eager.destroy();
    lazy.destroy();
  });

  it('fails to start where a port is taken, and leaves none behind', async () => {
    const rtspPort = Number(new URL(standin.urls.rtspUrl).port);
    await expect(startStandin({ ...options(), rtspPort })).rejects.toMatchObject({ code: 'EADDRINUSE' });
  });
});

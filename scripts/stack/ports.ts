import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';

/** Where each part listens when nobody else is there. */
export const USUAL_PORTS = {
  gateway: 3000,
  auth: 3001,
  monitor: 3002,
  device: 3003,
  mqtt: 1883,
  rtmp: 1935,
  rtsp: 8554,
  hls: 8888,
  flv: 8898,
  webrtc: 8889,
  webrtcUdp: 8189,
  srt: 8890,
  mediaApi: 9997,
  mediaMetrics: 9998,
  postgres: 54329,
} as const;

export type PortName = keyof typeof USUAL_PORTS;
export type Ports = Record<PortName, number>;

/** A port that could not be had, and what was taken in its place. */
export interface MovedPort {
  name: PortName;
  wanted: number;
  taken: number;
}

export type PortProbe = (port: number, host: string, transport: 'tcp' | 'udp') => Promise<boolean>;

const UDP: PortName[] = ['webrtcUdp', 'srt'];

/** Parts that others are meant to reach; the rest stays on the loopback address whatever `--host` says. */
const PUBLIC: PortName[] = ['gateway', 'mqtt', 'rtmp', 'rtsp', 'hls', 'flv', 'webrtc', 'webrtcUdp', 'srt'];

const SEARCH_LENGTH = 200;

/** Whether a port can be listened on now. */
export const isFree: PortProbe = (port, host, transport) =>
  new Promise((resolve) => {
    if (transport === 'udp') {
      const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
      socket.once('error', () => socket.close(() => resolve(false)));
      socket.bind({ port, address: host, exclusive: true }, () => socket.close(() => resolve(true)));
      return;
    }
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, host, exclusive: true }, () => server.close(() => resolve(true)));
  });

/**
 * A free port for every part: the usual one, else the next free one above it.
 * @throws Error when 200 ports in a row are taken
 */
export async function choosePorts(
  wanted: Partial<Ports>,
  host: string,
  probe: PortProbe = isFree,
): Promise<{ ports: Ports; moved: MovedPort[] }> {
  const ports = {} as Ports;
  const moved: MovedPort[] = [];
  const given = new Set<number>();
  for (const name of Object.keys(USUAL_PORTS) as PortName[]) {
    const asked = wanted[name] ?? USUAL_PORTS[name];
    const first = asked === 0 ? USUAL_PORTS[name] : asked;
    const address = PUBLIC.includes(name) ? host : '127.0.0.1';
    let port = first;
    while (given.has(port) || !(await probe(port, address, UDP.includes(name) ? 'udp' : 'tcp'))) {
      port += 1;
      if (port > 65535 || port > first + SEARCH_LENGTH) {
        throw new Error(`no free port for ${name} between ${first} and ${port - 1} on ${address}`);
      }
    }
    given.add(port);
    ports[name] = port;
    if (port !== first) moved.push({ name, wanted: first, taken: port });
  }
  return { ports, moved };
}

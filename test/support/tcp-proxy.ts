import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** A relay in front of a server that a test can take away, or make mute. */
export interface TcpProxy {
  port: number;
  /** `refuse`: cuts what is open and takes nothing new; `mute`: takes connections and says nothing. */
  setMode(mode: 'relay' | 'refuse' | 'mute'): void;
  close(): Promise<void>;
}

export async function aProxyTo(target: { host: string; port: number }): Promise<TcpProxy> {
  let mode: 'relay' | 'refuse' | 'mute' = 'relay';
  const sockets = new Set<Socket>();
  const keep = (socket: Socket): Socket => {
    sockets.add(socket.on('error', () => undefined));
    return socket.on('close', () => sockets.delete(socket));
  };
  const server = createServer((incoming) => {
    keep(incoming);
    if (mode === 'refuse') return void incoming.destroy();
    const outgoing = keep(connect(target.port, target.host));
    incoming.on('data', (data) => mode === 'relay' && outgoing.write(data));
    outgoing.on('data', (data) => mode === 'relay' && incoming.write(data));
    incoming.on('close', () => outgoing.destroy());
    outgoing.on('close', () => incoming.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    setMode: (next) => {
      mode = next;
      if (next === 'refuse') sockets.forEach((socket) => socket.destroy());
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        sockets.forEach((socket) => socket.destroy());
      }),
  };
}

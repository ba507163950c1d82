import { createServer } from 'node:net';
import type { Context } from '../context';
import { closeServer, listen } from '../listen';
import { RtmpConnection } from './rtmp.connection';

const CONNECTIONS_MAX = 1_000;

/** The RTMP port: whoever publishes or reads there. */
export class RtmpServer {
  readonly connections = new Map<string, RtmpConnection>();
  private readonly server = createServer((socket) => {
    const connection = new RtmpConnection(socket, this.context, ({ id }) => this.connections.delete(id));
    this.connections.set(connection.id, connection);
  });

  constructor(private readonly context: Context) {
    this.server.maxConnections = CONNECTIONS_MAX;
  }

  listen(port: number): Promise<number> {
    return listen(this.server, this.context.host, port);
  }

  async close(): Promise<void> {
    const closed = closeServer(this.server);
    for (const connection of this.connections.values()) connection.close('terminated');
    await closed;
  }
}

import { createServer } from 'node:net';
import type { Context } from '../context';
import { closeServer, listen } from '../listen';
import { RtspConnection } from './rtsp.connection';
import type { RtspSession } from './rtsp.session';

const CONNECTIONS_MAX = 1_000;

/** The RTSP port: whoever publishes or reads over TCP there. */
export class RtspServer {
  readonly connections = new Map<string, RtspConnection>();
  private readonly server = createServer((socket) => {
    const connection = new RtspConnection(socket, this.context, ({ id }) => this.connections.delete(id));
    this.connections.set(connection.id, connection);
  });

  constructor(private readonly context: Context) {
    this.server.maxConnections = CONNECTIONS_MAX;
  }

  sessions(): RtspSession[] {
    return [...this.connections.values()].flatMap(({ session }) => session ?? []);
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

import { createServer, type AddressInfo } from 'node:net';
import { choosePorts, isFree, USUAL_PORTS, type PortProbe } from './ports';

const allBut =
  (...taken: number[]): PortProbe =>
  (port) =>
    Promise.resolve(!taken.includes(port));

describe('choosing ports', () => {
  it('takes the usual ones when nobody has them', async () => {
    expect(await choosePorts({}, '127.0.0.1', allBut())).toEqual({ ports: USUAL_PORTS, moved: [] });
  });

  it('moves a taken one to the next free one and says so', async () => {
    const { ports, moved } = await choosePorts({}, '127.0.0.1', allBut(8554, 8555));
    expect(ports.rtsp).toBe(8556);
    expect(moved).toEqual([{ name: 'rtsp', wanted: 8554, taken: 8556 }]);
  });

  it('never gives one port to two parts', async () => {
    const { ports } = await choosePorts({}, '127.0.0.1', allBut(3000));
    expect([ports.gateway, ports.auth, ports.monitor, ports.device]).toEqual([3001, 3002, 3003, 3004]);
    expect(new Set(Object.values(ports)).size).toBe(Object.keys(ports).length);
  });

  it('takes the wanted port of the gateway', async () => {
    expect((await choosePorts({ gateway: 8080 }, '127.0.0.1', allBut())).ports.gateway).toBe(8080);
  });

  it('asks for each port on the address and the transport that the part will use', async () => {
    const asked: string[] = [];
    await choosePorts({}, '0.0.0.0', (port, host, transport) => {
      asked.push(`${port} ${host} ${transport}`);
      return Promise.resolve(true);
    });
    expect(asked).toEqual(
      expect.arrayContaining([
        '3000 0.0.0.0 tcp',
        '3001 127.0.0.1 tcp',
        '8890 0.0.0.0 udp',
        '54329 127.0.0.1 tcp',
      ]),
    );
  });

  it('gives up with one sentence when nothing is free', async () => {
    await expect(choosePorts({}, '127.0.0.1', () => Promise.resolve(false))).rejects.toThrow(
      'no free port for gateway between 3000 and 3200 on 127.0.0.1',
    );
  });

  it('sees a port that is in use', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    expect(await isFree(port, '127.0.0.1', 'tcp')).toBe(false);
    await new Promise((resolve) => server.close(resolve));
    expect(await isFree(port, '127.0.0.1', 'tcp')).toBe(true);
  });
});

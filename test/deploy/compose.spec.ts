import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parse } from 'yaml';
import { isPinned } from './references';

const ROOT = resolve(__dirname, '../..');
const read = (file: string): string => readFileSync(join(ROOT, file), 'utf8');

interface Service {
  image?: string;
  build?: unknown;
  user?: string;
  restart?: string;
  read_only?: boolean;
  cap_drop?: string[];
  security_opt?: string[];
  environment?: Record<string, string | null>;
  env_file?: string[];
  ports?: string[];
  volumes?: string[];
  secrets?: string[];
  networks?: string[];
  depends_on?: Record<string, { condition: string }>;
  healthcheck?: { test: string[] };
}
interface Compose {
  services: Record<string, Service>;
  networks?: Record<string, { internal?: boolean } | null>;
  volumes?: Record<string, unknown>;
  secrets?: Record<string, { file: string }>;
}
const compose = parse(read('docker-compose.yml'), { merge: true }) as Compose;
const development = parse(read('docker-compose.dev.yml')) as Compose;
const services = Object.entries(compose.services);
/** Our images say USER node. */
const OURS = ['migrations', 'broker-access', 'auth', 'monitor', 'gateway', 'device'];
/** What ends, or only writes a file, is watched by what waits for it. */
const WITHOUT_CHECK = ['migrations', 'broker-access'];

const publishedBy = (file: Compose): string[] =>
  Object.values(file.services).flatMap(({ ports }) => ports ?? []);
/** Port within the container, with its protocol. */
const inner = (port: string): string => port.split(':').at(-1)!;

describe('docker-compose.yml keeps the rules of k8s/:', () => {
  it.each(services)('%s is pinned, unprivileged, restarted and watched', (name, service) => {
    expect(isPinned(service.image ?? '')).toBe(true);
    expect(service.read_only).toBe(true);
    expect(service.cap_drop).toEqual(['ALL']);
    expect(service.security_opt).toEqual(['no-new-privileges:true']);
    expect(service.restart).toBe(name === 'migrations' ? 'no' : 'unless-stopped');
    if (!OURS.includes(name)) expect(service.user).toMatch(/^(?!root|0(:|$))\w+/);
    if (!WITHOUT_CHECK.includes(name)) expect(service.healthcheck?.test[0]).toBe('CMD');
  });

  it.each(services)('%s names nothing that is not there', (_, service) => {
    const volumes = (service.volumes ?? []).map((volume) => volume.split(':')[0]);
    expect(
      volumes.filter(
        (from) => !/^\.?\.?\//.test(from) && !from.startsWith('.run/') && !(from in (compose.volumes ?? {})),
      ),
    ).toEqual([]);
    expect(volumes.filter((from) => from.startsWith('./') && !existsSync(join(ROOT, from)))).toEqual([]);
    expect((service.env_file ?? []).filter((file) => !existsSync(join(ROOT, file)))).toEqual([]);
    expect((service.networks ?? []).filter((network) => !(network in (compose.networks ?? {})))).toEqual([]);
    expect((service.secrets ?? []).filter((secret) => !(secret in (compose.secrets ?? {})))).toEqual([]);
    expect(Object.keys(service.depends_on ?? {}).filter((other) => !(other in compose.services))).toEqual([]);
  });

  it('waits for health only where there is a check', () => {
    const waits = services.flatMap(([, { depends_on }]) => Object.entries(depends_on ?? {}));
    const blind = waits.filter(
      ([other, { condition }]) => condition === 'service_healthy' && !compose.services[other].healthcheck,
    );
    expect(blind).toEqual([]);
  });

  it('publishes encrypted ports alone', () => {
    expect(publishedBy(compose).map(inner).sort()).toEqual(
      ['8883', '8322', '1936', '8888', '8889', '8189/udp', '8189', '8890/udp', '8443', '3000'].sort(),
    );
    // Grafana, which is for this host.
    expect(publishedBy(compose).filter((port) => inner(port) === '3000')).toEqual(['127.0.0.1:3030:3000']);
  });

  it('has one setting for plain protocols, which development turns on for this host alone', () => {
    const settings = services.flatMap(([, { environment }]) => Object.entries(environment ?? {}));
    expect(settings.filter(([name]) => name === 'INSECURE_PROTOCOLS').map(([, value]) => value)).toEqual([
      null,
      null,
    ]);
    expect(development.services.mediamtx.environment).toMatchObject({ INSECURE_PROTOCOLS: 'true' });
    expect(development.services.broker.environment).toMatchObject({ INSECURE_PROTOCOLS: 'true' });
    expect(publishedBy(development).every((port) => port.startsWith('127.0.0.1:'))).toBe(true);
    expect(publishedBy(development).map(inner).sort()).toEqual(['1883', '1935', '3000', '8554']);
  });

  it('has no secret with a value or a default', () => {
    const values = services.flatMap(([, { environment }]) => Object.entries(environment ?? {}));
    const plain = values.filter(
      ([name, value]) =>
        /(SECRET|PASSWORD|TOKEN)$/.test(name) && value !== null && !/^\$\{[A-Z_]+:\?/.test(value),
    );
    expect(plain).toEqual([]);
    expect(read('docker-compose.yml')).not.toMatch(/\$\{[A-Z_]*(SECRET|PASSWORD|TOKEN|BASIC):?-/);
  });

  it('lets nobody but the media server share a network with the door, and Prometheus', () => {
    const on = (network: string): string[] =>
      services.filter(([, each]) => each.networks?.includes(network)).map(([name]) => name);
    expect(on('door').sort()).toEqual(['auth', 'mediamtx', 'prometheus']);
    expect(on('database').sort()).toEqual([
      'auth',
      'broker-access',
      'gateway',
      'migrations',
      'monitor',
      'postgres',
    ]);
    expect(on('public')).not.toContain('auth');
    const open = Object.entries(compose.networks ?? {})
      .filter(([, network]) => !network?.internal)
      .map(([name]) => name);
    expect(open).toEqual(['public']);
  });
});

describe('the Dockerfile', () => {
  it('pins its base, and ends as somebody without rights', () => {
    const lines = read('Dockerfile').split('\n');
    const bases = lines.filter((line) => line.startsWith('FROM ')).map((line) => line.split(' ')[1]);
    expect(bases.every(isPinned)).toBe(true);
    expect(lines.findLast((line) => line.startsWith('USER '))).toMatch(/^USER (?!root|0)/);
  });
});

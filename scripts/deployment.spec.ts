import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parse } from 'yaml';

const rootDir = resolve(__dirname, '..');
const read = (file: string): string => readFileSync(join(rootDir, file), 'utf8');

interface Service {
  image?: string;
  build?: { args: { APP: string } };
  environment?: Record<string, string>;
  ports?: string[];
  volumes?: string[];
}
const { services } = parse(read('docker-compose.yml'), { merge: true }) as {
  services: Record<string, Service>;
};
const names = new Set(
  [...read('.env.example').matchAll(/^(?:# )?([A-Z][A-Z0-9_]+)=/gm)].map(([, name]) => name),
);

describe('docker-compose.yml', () => {
  const asked = [...read('docker-compose.yml').matchAll(/(?<!\$)\$\{([A-Z_]+)(:[?-])/g)];

  it('asks only for what .env.example explains', () => {
    expect(asked.map(([, name]) => name).filter((name) => !names.has(name))).toEqual([]);
  });

  it('has no default for a secret', () => {
    const withDefault = asked.filter(([, , kind]) => kind === ':-').map(([, name]) => name);
    expect(withDefault.filter((name) => /SECRET|PASSWORD|TOKEN|BASIC/.test(name))).toEqual([]);
  });

  it('sets only settings that .env.example explains', () => {
    for (const app of ['auth', 'gateway', 'monitor', 'device']) {
      expect(Object.keys(services[app].environment ?? {}).filter((name) => !names.has(name))).toEqual([]);
    }
  });

  it('builds all four apps from the one Dockerfile', () => {
    const built = Object.values(services).flatMap(({ build }) => build?.args.APP ?? []);
    expect(built.sort()).toEqual(['auth', 'device', 'gateway', 'monitor']);
  });

  it('pins every image to one version', () => {
    const images = Object.values(services).flatMap(({ image }) => image ?? []);
    expect(images.filter((image) => !/:v?\d+\.\d+/.test(image))).toEqual([]);
    expect(
      read('Dockerfile')
        .match(/^FROM .*$/gm)
        ?.every((line) => /:\d+\.\d+\.\d+/.test(line)),
    ).toBe(true);
  });

  it('publishes neither the control API nor the door nor the database', () => {
    const published = Object.values(services).flatMap(({ ports }) => ports ?? []);
    expect(published.filter((port) => /:(9997|9998|3001|3002|5432)\b/.test(port))).toEqual([]);
  });

  it('mounts files that exist', () => {
    const files = Object.values(services).flatMap(({ volumes }) => volumes ?? []);
    for (const file of files.filter((each) => each.startsWith('./'))) {
      expect(existsSync(join(rootDir, file.split(':')[0]))).toBe(true);
    }
  });
});

it('.env.example explains each setting in one line', () => {
  const lines = read('.env.example').split('\n');
  const unexplained = lines.filter(
    (line, index) => /^[A-Z_]+=/.test(line) && !lines[index - 1].startsWith('# '),
  );
  expect(unexplained).toEqual([]);
});

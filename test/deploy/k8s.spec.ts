import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { Cluster, isPinned } from './references';
import { problemsOf, type Manifest } from './schemas';

const ROOT = resolve(__dirname, '../..');
const OVERLAYS = ['dev', 'prod', 'scale'];

const kustomize = (folder: string): { status: number | null; stdout: string; stderr: string } =>
  spawnSync('kubectl', ['kustomize', folder], { encoding: 'utf8', maxBuffer: 32e6 });

/** Kustomize within kubectl can render folders as resources, components and `patches` since kubectl 1.21. */
function canRender(): boolean {
  const { stdout } = spawnSync('kubectl', ['version', '--client', '--output=json'], { encoding: 'utf8' });
  const minor = /"minor":\s*"(\d+)/.exec(stdout ?? '')?.[1];
  return minor !== undefined && Number(minor) >= 21;
}
const describeRendered = canRender() ? describe : describe.skip;

const read = (text: string): Manifest[] =>
  parseAllDocuments(text)
    .map((document) => document.toJS() as Manifest | null)
    .filter((each): each is Manifest => each !== null);

/** The Secrets that k8s/secrets.sh makes: name → keys. */
function givenSecrets(): Record<string, string[]> {
  const { stdout, status } = spawnSync('sh', [join(ROOT, 'k8s/secrets.sh')], { encoding: 'utf8' });
  expect(status).toBe(0);
  return Object.fromEntries(
    read(stdout).map(({ metadata, stringData }) => [metadata.name, Object.keys(stringData)]),
  );
}

const filesOf = (folder: string): string[] =>
  readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.yaml'))
    .map((entry) => join(entry.parentPath, entry.name));

describe('the files under k8s/', () => {
  it.each(filesOf('k8s').filter((file) => !/kustomization|database-backup/.test(file)))(
    '%s: each object fits its schema',
    (file) => {
      const manifests = read(readFileSync(file, 'utf8')).map(
        (each) => JSON.parse(JSON.stringify(each)) as Manifest,
      );
      expect(manifests.flatMap(problemsOf)).toEqual([]);
    },
  );
});

it('secrets.sh makes other values each time, all of them long', () => {
  const once = spawnSync('sh', [join(ROOT, 'k8s/secrets.sh')], { encoding: 'utf8' }).stdout;
  const again = spawnSync('sh', [join(ROOT, 'k8s/secrets.sh')], { encoding: 'utf8' }).stdout;
  expect(once).not.toBe(again);
  const hook = read(once)
    .map(({ stringData }) => stringData.MEDIA_HOOK_SECRET as string | undefined)
    .filter(Boolean);
  expect(new Set(hook).size).toBe(1);
  expect(hook[0]).toMatch(/^[0-9a-f]{64}$/);
});

it.each([
  ['a:1.2.3', true],
  ['registry.example.com:5000/a:v1.2', true],
  ['a:1.20.1-ffmpeg', true],
  [`a@sha256:${'0'.repeat(64)}`, true],
  ['a', false],
  ['a:latest', false],
  ['a:1', false],
  ['registry.example.com:5000/a', false],
  ['a:stable-1.2', false],
])('isPinned(%s) is %s', (image, pinned) => expect(isPinned(image)).toBe(pinned));

describeRendered.each(OVERLAYS)('overlay %s (rendered by kubectl)', (overlay) => {
  let objects: Manifest[];
  let cluster: Cluster;
  beforeAll(() => {
    const { status, stdout, stderr } = kustomize(join(ROOT, 'k8s/overlays', overlay));
    if (status !== 0) throw new Error(stderr);
    objects = read(stdout);
    cluster = new Cluster(objects, givenSecrets());
  });

  it('consists of objects that fit their schemas', () => expect(objects.flatMap(problemsOf)).toEqual([]));

  it('names nothing that is not there, and is hardened', () => expect(cluster.problems()).toEqual([]));

  it('is all in one namespace', () => {
    const clusterWide = ['Namespace', 'ClusterIssuer'];
    const elsewhere = objects.filter(
      ({ kind, metadata }) => !clusterWide.includes(kind) && metadata.namespace !== 'rovercast',
    );
    expect(elsewhere.map(({ kind, metadata }) => `${kind} ${metadata.name}`)).toEqual([]);
  });

  it('lets only media servers and the broker ask the door, and Prometheus read its metrics', () => {
    const media = overlay === 'scale' ? ['mediamtx', 'broker', 'mediamtx-edge'] : ['mediamtx', 'broker'];
    expect(cluster.whoReaches('auth').sort()).toEqual([...media, 'monitoring/prometheus'].sort());
  });

  it('never throttles the door, and makes it ready by what it has loaded', () => {
    const { spec } = objects.find(({ kind, metadata }) => kind === 'Deployment' && metadata.name === 'auth')!;
    const [container] = spec.template.spec.containers;
    expect(container.resources.limits.cpu).toBeUndefined();
    expect(container.readinessProbe.httpGet.path).toBe('/health/ready');
    expect(container.livenessProbe.httpGet.path).toBe('/health/live');
    expect(spec.strategy.rollingUpdate.maxUnavailable).toBe(0);
  });

  it('opens plain protocols in dev only', () => {
    const { spec } = objects.find(
      ({ kind, metadata }) => kind === 'StatefulSet' && metadata.name === 'mediamtx',
    )!;
    const insecure = spec.template.spec.containers[0].env.find(
      ({ name }: any) => name === 'INSECURE_PROTOCOLS',
    );
    expect(insecure.value).toBe(overlay === 'dev' ? 'true' : 'false');
    const published = objects
      .filter((each) => each.kind === 'Service' && each.spec.type === 'LoadBalancer')
      .flatMap((each) => each.spec.ports.map(({ port }: any) => port as number));
    expect(
      published.filter((port) => [8554, 1935, 8890, 1883, 9997, 9998, 3001].includes(port)).sort(),
    ).toEqual(overlay === 'dev' ? [1935, 8554] : []);
  });
});

describeRendered('an invalid overlay', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'rovercast-k8s-'));
    cpSync(join(ROOT, 'k8s'), join(folder, 'k8s'), { recursive: true });
    cpSync(join(ROOT, 'mediamtx'), join(folder, 'mediamtx'), { recursive: true });
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const withPatch = (patch: string): ReturnType<typeof kustomize> => {
    const file = join(folder, 'k8s/overlays/mine/kustomization.yaml');
    cpSync(join(folder, 'k8s/overlays/dev'), join(folder, 'k8s/overlays/mine'), { recursive: true });
    writeFileSync(file, `resources: [../dev]\npatches:\n${patch}`);
    return kustomize(join(folder, 'k8s/overlays/mine'));
  };

  it('that patches what is not there fails with one line', () => {
    const { status, stdout, stderr } = withPatch(
      `  - patch: |\n      apiVersion: apps/v1\n      kind: Deployment\n      metadata: { name: nobody }\n      spec: { replicas: 2 }\n`,
    );
    expect(status).toBe(1);
    expect(stdout).toBe('');
    expect(stderr.trim().split('\n')).toEqual([expect.stringContaining('no matches for Id')]);
  });

  it.each([
    [
      'an unpinned image',
      `- { op: replace, path: /spec/template/spec/containers/0/image, value: 'a:latest' }`,
      'is not pinned',
    ],
    [
      'a setting that the app does not know',
      `- { op: add, path: /spec/template/spec/containers/0/env/-, value: { name: LOGLEVEL, value: debug } }`,
      'has no setting LOGLEVEL',
    ],
    [
      'a secret in plain sight',
      `- { op: add, path: /spec/template/spec/containers/0/env/-, value: { name: AUTH_SECRET, value: abc } }`,
      'a secret in plain sight',
    ],
    [
      'root',
      `- { op: replace, path: /spec/template/spec/securityContext/runAsNonRoot, value: false }`,
      'may run as root',
    ],
    [
      'another secret',
      `- { op: replace, path: /spec/template/spec/volumes/0/secret/secretName, value: nobody }`,
      'there is no Secret nobody',
    ],
    [
      'a misspelt field',
      `- { op: add, path: /spec/template/spec/hostnetwork, value: true }`,
      'additional properties (hostnetwork)',
    ],
  ])('with %s is found', (_, operation, problem) => {
    const { stdout } = withPatch(
      `  - target: { kind: Deployment, name: auth }\n    patch: |\n      ${operation}\n`,
    );
    const objects = read(stdout);
    const found = [...objects.flatMap(problemsOf), ...new Cluster(objects, givenSecrets()).problems()];
    expect(found).toContainEqual(expect.stringContaining(problem));
  });
});

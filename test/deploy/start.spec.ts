import { spawnSync, type SpawnSyncReturns } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseEnv } from 'node:util';
import { has } from './processes';

const ROOT = resolve(__dirname, '../..');
let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'rovercast-start-'))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const run = (command: string, args: string[], env: Record<string, string> = {}): SpawnSyncReturns<string> =>
  spawnSync(command, args, { encoding: 'utf8', env: { PATH: process.env.PATH, ...env } });

/** What ended with exit code 1 and one sentence, which is answered. */
function sentence({ status, stderr, stdout }: SpawnSyncReturns<string>): string {
  expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
  expect(stderr.trim().split('\n')).toHaveLength(1);
  return stderr.trim();
}

describe('mediamtx/start.sh', () => {
  const start = (change: Record<string, string> = {}): SpawnSyncReturns<string> => {
    for (const name of ['media.crt', 'media.key']) writeFileSync(join(folder, name), 'PEM');
    const program = join(folder, 'mediamtx');
    writeFileSync(program, '#!/bin/sh\nenv\n');
    chmodSync(program, 0o755);
    return run('sh', [join(ROOT, 'mediamtx/start.sh')], {
      MEDIAMTX_PROGRAM: program,
      MEDIA_HOOK_SECRET: 'hook0123456789abcdef',
      TLS_CERT: join(folder, 'media.crt'),
      TLS_KEY: join(folder, 'media.key'),
      ...change,
    });
  };
  const settings = (change?: Record<string, string>): NodeJS.Dict<string> => parseEnv(start(change).stdout);

  it.each([
    ['no secret', { MEDIA_HOOK_SECRET: '' }, 'MEDIA_HOOK_SECRET has no value'],
    ['a short secret', { MEDIA_HOOK_SECRET: 'short' }, 'MEDIA_HOOK_SECRET must have 16 to 128 characters'],
    [
      'the secret of an example',
      { MEDIA_HOOK_SECRET: 'change-me-change-me' },
      'is still the one of an example',
    ],
    ['a secret that breaks a URL', { MEDIA_HOOK_SECRET: 'abc@def/0123456789' }, 'may have letters, digits'],
    [
      'a file of a secret that is not there',
      { MEDIA_HOOK_SECRET_FILE: '/nowhere' },
      '/nowhere cannot be read',
    ],
    ['no certificate', { TLS_CERT: '/nowhere.crt' }, 'the certificate /nowhere.crt cannot be read'],
    ['a certificate without a key', { TLS_KEY: '/nowhere.key' }, 'has no key: /nowhere.key cannot be read'],
    ['a control certificate without a key', { CONTROL_TLS_KEY: '/nowhere.key' }, 'has no key'],
    ['neither yes nor no', { INSECURE_PROTOCOLS: 'yes' }, 'INSECURE_PROTOCOLS must be true or false'],
    ['a short passphrase', { SRT_PASSPHRASE: 'short' }, 'SRT_PASSPHRASE must have 10 to 79 characters'],
    ['a TURN server without its secret', { TURN_URL: 'turn:t:3478' }, 'TURN_URL needs TURN_SECRET'],
    ['a short CDN secret', { HLS_CDN_SECRET: 'x' }, 'HLS_CDN_SECRET must have'],
    ['a door that is no URL', { AUTH_URL: 'auth:3001' }, 'AUTH_URL must be'],
    ['a login in the URL of the door', { AUTH_URL: 'http://a:b@auth' }, 'AUTH_URL must have no login'],
    ['a node with a slash', { MEDIA_NODE: 'a/b' }, 'MEDIA_NODE may have'],
  ])('with %s says so and starts nothing', (_, change, words) => {
    expect(sentence(start(change))).toContain(words);
  });

  it('has plain protocols off, and on by one setting', () => {
    expect(settings()).toMatchObject({
      MTX_RTSPENCRYPTION: 'strict',
      MTX_RTMPENCRYPTION: 'strict',
      MTX_SRT: 'false',
    });
    const open = settings({ INSECURE_PROTOCOLS: 'true' });
    expect(open).toMatchObject({ MTX_RTSPENCRYPTION: 'optional', MTX_RTMPENCRYPTION: 'optional' });
    expect(open.MTX_SRT).toBeUndefined();
  });

  it('opens SRT with a passphrase for both directions', () => {
    const given = settings({ SRT_PASSPHRASE: 'a-passphrase-of-ours' });
    expect(given.MTX_SRT).toBeUndefined();
    expect(given.MTX_PATHDEFAULTS_SRTREADPASSPHRASE).toBe('a-passphrase-of-ours');
    expect(given.MTX_PATHDEFAULTS_SRTPUBLISHPASSPHRASE).toBe('a-passphrase-of-ours');
  });

  it('tells the door which node asks, with the secret of a file', () => {
    writeFileSync(join(folder, 'hook'), 'from-a-file-0123456789');
    const given = settings({
      MEDIA_HOOK_SECRET: '',
      MEDIA_HOOK_SECRET_FILE: join(folder, 'hook'),
      MEDIA_NODE: 'mediamtx-3',
      AUTH_URL: 'http://auth:3001',
    });
    expect(given.MTX_AUTHHTTPADDRESS).toBe(
      'http://media:from-a-file-0123456789@auth:3001/mediamtx/auth/mediamtx-3',
    );
    expect(given.MEDIA_HOOK_SECRET).toBeUndefined();
  });
});

describe('compose/mosquitto.sh', () => {
  const start = (env: Record<string, string> = {}): SpawnSyncReturns<string> =>
    run('sh', [join(ROOT, 'compose/mosquitto.sh'), '/nowhere.conf'], { CERTIFICATES_DIR: folder, ...env });

  it('says what is missing, and starts nothing', () => {
    expect(sentence(start())).toContain('broker.crt cannot be read');
    writeFileSync(join(folder, 'broker.crt'), 'PEM');
    expect(sentence(start())).toContain('has no key');
    writeFileSync(join(folder, 'broker.key'), 'PEM');
    expect(sentence(start({ INSECURE_PROTOCOLS: 'maybe' }))).toContain('must be true or false');
  });
});

const withOpenssl = has('openssl', 'version') ? describe : describe.skip;

withOpenssl('npm run certificates', () => {
  const make = (...args: string[]): SpawnSyncReturns<string> =>
    run(process.execPath, [join(ROOT, 'scripts/certificates.mjs'), '--out', join(folder, 'pki'), ...args]);
  const certificate = (name: string): X509Certificate =>
    new X509Certificate(readFileSync(join(folder, 'pki/certificates', `${name}.crt`)));

  it('makes an authority and certificates for the names and addresses', () => {
    expect(make('--host', 'media.example.org', '--host', '203.0.113.7', '--days', '30').status).toBe(0);
    const media = certificate('media');
    expect(media.verify(certificate('ca').publicKey)).toBe(true);
    expect(media.checkHost('media.example.org')).toBeTruthy();
    expect(media.checkHost('mediamtx')).toBeTruthy();
    expect(media.checkIP('203.0.113.7')).toBeTruthy();
    expect(media.checkHost('elsewhere.example.org')).toBeUndefined();
    expect(media.ca).toBe(false);
    expect(statSync(join(folder, 'pki/ca/ca.key')).mode & 0o777).toBe(0o600);
    expect(statSync(join(folder, 'pki')).mode & 0o777).toBe(0o700);
  });

  it('renews the certificates and keeps the authority', () => {
    make('--host', 'localhost');
    const [ca, media] = [certificate('ca').serialNumber, certificate('media').serialNumber];
    expect(make('--host', 'localhost').stdout).toContain('Renewed');
    expect(certificate('ca').serialNumber).toBe(ca);
    expect(certificate('media').serialNumber).not.toBe(media);
  });

  it.each([
    [[], 'At least one --host'],
    [['--host', 'a b'], 'neither a host name nor an address'],
    [['--host', 'a,DNS:*'], 'neither a host name nor an address'],
    [['--host', 'a', '--days', '9999'], '--days must be'],
  ])('%j is refused in one sentence, and nothing is made', (args, words) => {
    expect(sentence(make(...args))).toContain(words);
    expect(existsSync(join(folder, 'pki'))).toBe(false);
  });

  it('does not go on with half of an authority', () => {
    make('--host', 'localhost');
    rmSync(join(folder, 'pki/ca/ca.key'));
    expect(sentence(make('--host', 'localhost'))).toContain('half of an authority');
  });
});

withOpenssl('npm run compose:init', () => {
  const init = (...args: string[]): SpawnSyncReturns<string> =>
    run(process.execPath, [join(ROOT, 'scripts/compose-init.mjs'), '--folder', folder, ...args]);

  it('gives every empty name of .env.example a value of its own, for its owner alone', () => {
    expect(init('--host', 'media.example.org').status).toBe(0);
    const example = parseEnv(readFileSync(join(ROOT, '.env.example'), 'utf8'));
    const made = parseEnv(readFileSync(join(folder, '.env'), 'utf8'));
    expect(Object.keys(made)).toEqual(Object.keys(example));
    expect(Object.values(made).filter((value) => !value)).toEqual([]);
    expect(made.MEDIAMTX_PUBLIC_HOST).toBe('media.example.org');
    const secrets = Object.entries(made)
      .filter(([name]) => /(SECRET|PASSWORD|TOKEN)$/.test(name))
      .map(([, value]) => value!);
    expect(secrets.length).toBeGreaterThan(6);
    expect(secrets.every((value) => /^[0-9a-f]{64}$/.test(value))).toBe(true);
    expect(new Set(secrets).size).toBe(secrets.length);
    expect(statSync(join(folder, '.env')).mode & 0o777).toBe(0o600);
    expect(readFileSync(join(folder, '.run/compose/secrets/prometheus'), 'utf8')).toBe(
      made.PROMETHEUS_SECRET,
    );
    expect(existsSync(join(folder, '.run/compose/certificates/media.crt'))).toBe(true);
  });

  it('says no secret out loud', () => {
    const { stdout, stderr } = init();
    expect(stdout + stderr).not.toMatch(/[0-9a-f]{24}/);
  });

  it('overwrites nothing', () => {
    writeFileSync(join(folder, '.env'), 'MINE=1\n');
    expect(sentence(init())).toContain('exists already and stays as it is');
    expect(readFileSync(join(folder, '.env'), 'utf8')).toBe('MINE=1\n');
    expect(existsSync(join(folder, '.run'))).toBe(false);
  });

  it('does not make new secrets beside those of a lost .env', () => {
    init();
    rmSync(join(folder, '.env'));
    expect(sentence(init())).toContain('an earlier .env');
  });

  it('refuses a host that is none, and writes nothing', () => {
    expect(sentence(init('--host', 'http://media'))).toContain('neither a host name');
    expect(existsSync(join(folder, '.env'))).toBe(false);
  });

  it('says that openssl is missing', () => {
    mkdirSync(join(folder, 'empty'));
    const found = spawnSync(process.execPath, [join(ROOT, 'scripts/compose-init.mjs'), '--folder', folder], {
      encoding: 'utf8',
      env: { PATH: join(folder, 'empty') },
    });
    expect(sentence(found)).toContain('openssl is not installed');
    expect(existsSync(join(folder, '.env'))).toBe(false);
  });
});

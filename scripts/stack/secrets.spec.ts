import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadSecrets, newSecrets } from './secrets';

describe('secrets of a data folder', () => {
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'rovercast-secrets-'))));
  afterEach(() => rmSync(folder, { recursive: true }));
  const file = (): string => join(folder, 'secrets.json');

  it('are long, all different, and fit into URLs as they are', () => {
    const secrets = Object.values(newSecrets());
    expect(new Set(secrets).size).toBe(secrets.length);
    for (const secret of secrets) expect(secret).toMatch(/^(rk_[\w-]{43}|[a-z0-9-]{19,})$/);
    expect(newSecrets().authSecret).toHaveLength(64);
  });

  it('are made once and kept for the owner only', () => {
    const first = loadSecrets(folder);
    expect(statSync(file()).mode & 0o777).toBe(0o600);
    expect(loadSecrets(folder)).toEqual(first);
  });

  it('are completed when an older file lacks one', () => {
    writeFileSync(file(), JSON.stringify({ adminPassword: 'known' }));
    const secrets = loadSecrets(folder);
    expect(secrets.adminPassword).toBe('known');
    expect(secrets.robotKey).toMatch(/^rk_[\w-]{43}$/);
    expect(JSON.parse(readFileSync(file(), 'utf8'))).toEqual(secrets);
  });

  it('are not replaced when the file is damaged', () => {
    writeFileSync(file(), '{"adminPassw');
    expect(() => loadSecrets(folder)).toThrow('secrets.json is damaged');
    expect(readFileSync(file(), 'utf8')).toBe('{"adminPassw');
  });
});

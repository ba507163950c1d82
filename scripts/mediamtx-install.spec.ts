import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createHash } from 'node:crypto';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

const platforms: Record<string, string> = { 'linux-x64': 'linux_amd64', 'linux-arm64': 'linux_arm64' };
const platform = platforms[`${process.platform}-${process.arch}`];
const archiveName = `mediamtx_v1.20.1_${platform}.tar.gz`;
const sumOf = (content: Buffer): string => createHash('sha256').update(content).digest('hex');

/** A release archive with the three files of a real one, in their order. */
function anArchive(program: string): Buffer {
  const folder = mkdtempSync(join(tmpdir(), 'rovercast-archive-'));
  try {
    writeFileSync(join(folder, 'mediamtx'), program, { mode: 0o755 });
    writeFileSync(join(folder, 'mediamtx.yml'), '# settings\n'.repeat(1000));
    writeFileSync(join(folder, 'LICENSE'), 'MIT\n');
    execFileSync('tar', ['-C', folder, '-czf', join(folder, 'x'), 'LICENSE', 'mediamtx', 'mediamtx.yml']);
    return readFileSync(join(folder, 'x'));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const PROGRAM = `#!/bin/sh\necho v1.20.1\n# ${'x'.repeat(3000)}\n`;

(platform ? describe : describe.skip)('npm run mediamtx:install', () => {
  let server: Server;
  let folder: string;
  let files: Record<string, Buffer>;
  let port: number;
  let cutAfterBytes: number | undefined;

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'rovercast-install-'));
    cutAfterBytes = undefined;
    const archive = anArchive(PROGRAM);
    const sums = `${'0'.repeat(64)} *mediamtx_v1.20.1_darwin_arm64.tar.gz\n${sumOf(archive)} *${archiveName}\n`;
    files = { 'checksums.sha256': Buffer.from(sums), [archiveName]: archive };
    server = createServer((request, response) => {
      const file = files[(request.url ?? '').replace('/download/v1.20.1/', '')];
      if (!file) return void response.writeHead(404).end();
      response.writeHead(200, { 'content-length': file.length });
      if (cutAfterBytes === undefined || request.url?.endsWith('256')) return void response.end(file);
      response.write(file.subarray(0, cutAfterBytes), () => response.destroy());
    });
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    ({ port } = server.address() as AddressInfo);
  });
  afterEach(async () => {
    server.closeAllConnections();
    await new Promise((done) => server.close(done));
    rmSync(folder, { recursive: true });
  });

  async function install(): Promise<{ code: number | null; output: string; complaint: string }> {
    const child = spawn(process.execPath, [join(__dirname, 'mediamtx-install.mjs'), '--dir', folder], {
      env: { ...process.env, MEDIAMTX_RELEASES_URL: `http://127.0.0.1:${port}/download` },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const [output, complaint, [code]] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      once(child, 'close') as Promise<[number | null]>,
    ]);
    return { code, output, complaint };
  }

  const program = (): string => join(folder, 'mediamtx');

  it('puts the program, and only the program, in place', async () => {
    const { code, output } = await install();
    expect(output).toContain(`MediaMTX v1.20.1 is in ${program()}`);
    expect(code).toBe(0);
    expect(readFileSync(program(), 'utf8')).toBe(PROGRAM);
    expect(statSync(program()).mode & 0o777).toBe(0o755);
    expect(readdirSync(folder)).toEqual(['mediamtx']);
  });

  it('can be run again', async () => {
    await install();
    expect((await install()).code).toBe(0);
  });

  const refused = async (sentence: string | RegExp): Promise<void> => {
    const { code, complaint } = await install();
    expect(complaint).toMatch(sentence);
    expect(complaint.trim().split('\n')).toHaveLength(1);
    expect(code).toBe(1);
    expect(existsSync(program())).toBe(false);
    expect(readdirSync(folder)).toEqual([]);
  };

  it('refuses an archive that is not the one of the checksum file', async () => {
    files[archiveName] = anArchive(`${PROGRAM}# and more\n`);
    await refused(/is not what the release's checksum file names/);
  });

  it('refuses a platform that the checksum file does not name', async () => {
    files['checksums.sha256'] = Buffer.from(`${'0'.repeat(64)} *other.tar.gz\n`);
    await refused(/does not name mediamtx_v1\.20\.1_/);
  });

  it('says which file is missing', async () => {
    delete files[archiveName];
    await refused(/tar\.gz answers 404\./);
  });

  it('says that there is no checksum file', async () => {
    delete files['checksums.sha256'];
    await refused(/checksums\.sha256 answers 404\./);
  });

  it('refuses a download that breaks off', async () => {
    cutAfterBytes = 100;
    await refused(/could not be downloaded/);
  });

  it('refuses an archive without the program', async () => {
    const empty = execFileSync('sh', [
      '-c',
      'cd "$0" && touch LICENSE && tar -czf - LICENSE && rm LICENSE',
      folder,
    ]);
    files[archiveName] = empty;
    files['checksums.sha256'] = Buffer.from(`${sumOf(empty)}  ${archiveName}\n`);
    await refused(/holds no mediamtx/);
  });

  it('refuses a program that is another version', async () => {
    const other = anArchive('#!/bin/sh\necho v1.0.0\n');
    files[archiveName] = other;
    files['checksums.sha256'] = Buffer.from(`${sumOf(other)} *${archiveName}\n`);
    await refused(/does not run here as v1\.20\.1: v1\.0\.0/);
  });

  it('says that nobody is there', async () => {
    server.closeAllConnections();
    await new Promise((done) => server.close(done));
    await refused(/could not be downloaded/).finally(
      () => new Promise<void>((done) => server.listen(port, '127.0.0.1', done)),
    );
  });
});

// `npm run mediamtx:install [-- --dir <folder>]`: fetches the official MediaMTX release for this platform, checks it against the
// release's checksum file, and puts the program where `npm start` finds it (.run/bin). Nothing else runs it.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { gunzipSync } from 'node:zlib';
import { requireNode, rootDir, stopWith } from './prepare.mjs';

const VERSION = 'v1.20.1';
const RELEASES_URL =
  process.env.MEDIAMTX_RELEASES_URL ?? 'https://github.com/bluenviron/mediamtx/releases/download';
const DOWNLOAD_TIMEOUT_MS = 300_000;

/** The release's name for a platform (scripts/binaries.mk of MediaMTX v1.20.1). */
function platformName() {
  const names = { 'linux-x64': 'linux_amd64', 'linux-arm64': 'linux_arm64', 'darwin-x64': 'darwin_amd64' };
  Object.assign(names, { 'darwin-arm64': 'darwin_arm64', 'win32-x64': 'windows_amd64' });
  names['linux-arm'] = `linux_armv${process.config.variables.arm_version === '6' ? 6 : 7}`;
  const platform = `${process.platform}-${process.arch}`;
  return names[platform] ?? stopWith(`MediaMTX ${VERSION} has no release for ${platform}.`);
}

async function download(name) {
  const url = `${RELEASES_URL}/${VERSION}/${name}`;
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(DOWNLOAD_TIMEOUT_MS) });
    if (!response.ok) stopWith(`${url} answers ${response.status}.`);
    return Buffer.from(await response.arrayBuffer());
  } catch (error) {
    return stopWith(`${url} could not be downloaded: ${error.cause?.message ?? error.message}.`);
  }
}

/** The SHA-256 that a `sha256sum` file names for a file. */
function expectedSum(sums, name) {
  for (const line of sums.split('\n')) {
    const [, sum, file] = /^([0-9a-f]{64}) [ *](.+)$/.exec(line.trim()) ?? [];
    if (file === name) return sum;
  }
  return stopWith(`The checksum file of MediaMTX ${VERSION} does not name ${name}.`);
}

/** One file of a tar archive (POSIX ustar: 512-byte headers, size in octal at 124). */
function fileOfTar(archive, name) {
  for (let at = 0; at + 512 <= archive.length;) {
    const text = (from, length) => archive.toString('latin1', at + from, at + from + length).split('\0')[0];
    const size = parseInt(text(124, 12).trim() || '0', 8);
    if (text(0, 100).replace(/^\.\//, '') === name) return archive.subarray(at + 512, at + 512 + size);
    at += 512 + Math.ceil(size / 512) * 512;
  }
  return undefined;
}

function unpack(archive, archiveName, program, folder) {
  if (archiveName.endsWith('.tar.gz')) return fileOfTar(gunzipSync(archive), program);
  const work = mkdtempSync(join(folder, 'unpack-'));
  try {
    writeFileSync(join(work, archiveName), archive);
    execFileSync('tar', ['-xf', archiveName, program], { cwd: work }); // Windows' tar reads zip files
    return readFileSync(join(work, program));
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** Puts the program in place only once it has said its own version. */
function place(content, folder, program) {
  const [draft, final] = [join(folder, `new-${program}`), join(folder, program)];
  writeFileSync(draft, content);
  chmodSync(draft, 0o755);
  let version;
  try {
    version = execFileSync(draft, ['--version'], { encoding: 'utf8' }).trim();
  } catch (error) {
    version = error.message.split('\n')[0];
  }
  if (version !== VERSION) {
    rmSync(draft);
    stopWith(`The downloaded program does not run here as ${VERSION}: ${version}`);
  }
  renameSync(draft, final);
  return final;
}

requireNode();
const { values } = parseArgs({ options: { dir: { type: 'string', default: join(rootDir, '.run', 'bin') } } });
const folder = resolve(values.dir);
const platform = platformName();
const isWindows = platform.startsWith('windows');
const archiveName = `mediamtx_${VERSION}_${platform}.${isWindows ? 'zip' : 'tar.gz'}`;
const program = isWindows ? 'mediamtx.exe' : 'mediamtx';

console.log(`Downloading ${archiveName} from ${RELEASES_URL} …`);
const sum = expectedSum((await download('checksums.sha256')).toString('utf8'), archiveName);
const archive = await download(archiveName);
const actual = createHash('sha256').update(archive).digest('hex');
if (actual !== sum)
  stopWith(
    `${archiveName} is not what the release's checksum file names (${actual}, not ${sum}); nothing was installed.`,
  );
mkdirSync(folder, { recursive: true });
const content = unpack(archive, archiveName, program, folder);
if (!content) stopWith(`${archiveName} holds no ${program}.`);
console.log(
  `MediaMTX ${VERSION} is in ${place(content, folder, program)}; npm start takes it unless there is one on the PATH.`,
);

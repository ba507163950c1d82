// `npm run certificates -- --out FOLDER --host NAME [--host NAME …] [--days N]`: a certificate authority of your own and certificates
// signed by it, for trying and for closed networks. Run again, it renews the certificates and keeps the authority. Needs openssl.
//
//   FOLDER/ca/ca.key                     stays on this machine
//   FOLDER/certificates/ca.crt           what robots and browsers have to trust
//   FOLDER/certificates/NAME.crt, .key   for media (MediaMTX), broker and web (the gateway's proxy)
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';

/** Who gets a certificate, and the names under which it is called inside a compose or Kubernetes network. */
export const SERVERS = {
  media: ['mediamtx'],
  broker: ['broker'],
  web: ['web', 'gateway'],
};
const AUTHORITY_DAYS = 3_650;
/** Apple refuses more. */
const MAX_DAYS = 825;
const HOST_NAME = /^(?=.{1,253}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/i;

/** Something that a person can put right; the message is one sentence. */
export class SetupError extends Error {}

function openssl(args, folder) {
  const { error, status, stderr } = spawnSync('openssl', args, { cwd: folder, encoding: 'utf8' });
  if (error?.code === 'ENOENT') throw new SetupError('openssl is not installed, and certificates need it.');
  if (error || status !== 0) {
    throw new SetupError(`openssl ${args[0]} failed: ${(stderr || String(error)).trim().split('\n').at(-1)}`);
  }
}

/** @throws SetupError for what is neither a host name nor an IP address */
export function checkHost(host) {
  if (!isIP(host) && !HOST_NAME.test(host))
    throw new SetupError(`${host} is neither a host name nor an address.`);
  return host;
}

const subjectAltNames = (hosts) =>
  [...new Set(hosts)].map((host) => `${isIP(host) ? 'IP' : 'DNS'}:${host}`).join(',');

function makeAuthority(work) {
  const file = join(work, 'ca.cnf');
  writeFileSync(
    file,
    [
      '[req]\ndistinguished_name=dn\nprompt=no\nx509_extensions=v3\n[dn]\nCN=Rovercast, authority of this installation',
      '[v3]\nbasicConstraints=critical,CA:TRUE,pathlen:0\nkeyUsage=critical,keyCertSign,cRLSign\nsubjectKeyIdentifier=hash\n',
    ].join('\n'),
  );
  openssl(['ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', 'ca.key'], work);
  openssl(
    [
      'req',
      '-x509',
      '-new',
      '-key',
      'ca.key',
      '-sha256',
      '-days',
      String(AUTHORITY_DAYS),
      '-config',
      file,
      '-out',
      'ca.crt',
    ],
    work,
  );
}

function makeCertificate(work, { name, hosts, days, ca }) {
  const request = join(work, `${name}.cnf`);
  writeFileSync(request, `[req]\ndistinguished_name=dn\nprompt=no\n[dn]\nCN=${name}\n`);
  const extensions = join(work, `${name}.ext`);
  writeFileSync(
    extensions,
    [
      'basicConstraints=critical,CA:FALSE',
      'keyUsage=critical,digitalSignature',
      'extendedKeyUsage=serverAuth',
      'authorityKeyIdentifier=keyid',
      `subjectAltName=${subjectAltNames(hosts)}\n`,
    ].join('\n'),
  );
  openssl(['ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', `${name}.key`], work);
  openssl(['req', '-new', '-key', `${name}.key`, '-config', request, '-out', `${name}.csr`], work);
  const serial = `0x${randomBytes(16)
    .toString('hex')
    .replace(/^[89a-f]/, '1')}`;
  openssl(
    ['x509', '-req', '-in', `${name}.csr`, '-sha256', '-days', String(days), '-extfile', extensions].concat([
      ...['-CA', ca.crt, '-CAkey', ca.key, '-set_serial', serial, '-out', `${name}.crt`],
    ]),
    work,
  );
}

/**
 * Makes or renews the certificates of one installation. All of them are made before the first is put in its place, each by a
 * rename, so that servers that watch the files never read half of one.
 * @throws SetupError in one sentence; nothing is changed then
 */
export function makeCertificates({ out, hosts, days = MAX_DAYS }) {
  if (hosts.length === 0) throw new SetupError('At least one --host is needed: the name that clients call.');
  hosts.forEach(checkHost);
  if (!Number.isInteger(days) || days < 1 || days > MAX_DAYS) {
    throw new SetupError(`--days must be a whole number from 1 to ${MAX_DAYS}.`);
  }
  const folder = join(out, 'certificates');
  const authority = { key: join(out, 'ca', 'ca.key'), crt: join(folder, 'ca.crt') };
  const isKnown = existsSync(authority.key);
  if (isKnown !== existsSync(authority.crt)) {
    throw new SetupError(
      `${out} holds half of an authority; put the other half back, or remove both halves.`,
    );
  }
  const work = mkdtempSync(join(tmpdir(), 'rovercast-certificates-'));
  try {
    if (!isKnown) makeAuthority(work);
    const ca = isKnown ? authority : { key: join(work, 'ca.key'), crt: join(work, 'ca.crt') };
    for (const [name, aliases] of Object.entries(SERVERS)) {
      makeCertificate(work, {
        name,
        hosts: [...hosts, ...aliases, 'localhost', '127.0.0.1'],
        days,
        ca: absolute(ca),
      });
    }
    // Containers run under other users and see this folder alone; the one around it lets nobody in.
    mkdirSync(out, { recursive: true, mode: 0o700 });
    mkdirSync(folder, { recursive: true, mode: 0o755 });
    mkdirSync(join(out, 'ca'), { recursive: true, mode: 0o700 });
    // Whatever the umask says.
    chmodSync(folder, 0o755);
    if (!isKnown) {
      place(join(work, 'ca.key'), authority.key, 0o600);
      place(join(work, 'ca.crt'), authority.crt, 0o644);
    }
    for (const name of Object.keys(SERVERS)) {
      place(join(work, `${name}.key`), join(folder, `${name}.key`), 0o644);
      place(join(work, `${name}.crt`), join(folder, `${name}.crt`), 0o644);
    }
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return { folder, renewed: isKnown };
}

const absolute = ({ key, crt }) => ({ key: resolve(key), crt: resolve(crt) });

/** Across file systems, and still all at once for who watches. */
function place(from, to, mode) {
  const { status, stderr } = spawnSync('cp', [from, `${to}.new`], { encoding: 'utf8' });
  if (status !== 0) throw new SetupError(`${to} cannot be written: ${stderr.trim()}`);
  chmodSync(`${to}.new`, mode);
  renameSync(`${to}.new`, to);
}

/** Runs a script's main function; what a person can put right is one sentence and exit code 1. */
export function runScript(main) {
  try {
    main();
  } catch (error) {
    if (!(error instanceof SetupError) && error.code !== 'ERR_PARSE_ARGS_UNKNOWN_OPTION') throw error;
    console.error(error.message);
    process.exit(1);
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  runScript(() => {
    const { values } = parseArgs({
      options: {
        out: { type: 'string' },
        host: { type: 'string', multiple: true },
        days: { type: 'string' },
      },
    });
    const { folder, renewed } = makeCertificates({
      out: values.out ?? '.run/compose',
      hosts: values.host ?? [],
      days: values.days === undefined ? MAX_DAYS : Number(values.days),
    });
    console.log(
      `${renewed ? 'Renewed' : 'Made'} the certificates in ${folder}; clients trust ${join(folder, 'ca.crt')}.`,
    );
  });
}

// `npm run compose:init -- --host NAME`: what docker-compose.yml needs before its first start: .env with random secrets, certificates
// of an authority of your own, and the files that hold one secret each. Overwrites nothing.
import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { checkHost, makeCertificates, runScript, SetupError } from './certificates.mjs';

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '..');

/** 256 bits that need no escaping in a URL, a shell or a YAML file. */
const aSecret = () => randomBytes(32).toString('hex');

/** A value for each name that .env.example leaves empty; they are asked in the order of that file. */
const VALUES = {
  BROKER_HOOK_BASIC: ({ BROKER_HOOK_SECRET }) =>
    `Basic ${Buffer.from(`broker:${BROKER_HOOK_SECRET}`).toString('base64')}`,
  MEDIAMTX_PUBLIC_HOST: (_, host) => host,
};

/**
 * .env.example with a value for each name without one.
 * @throws SetupError for a name that we cannot make a value for
 */
export function fillIn(example, host) {
  const made = {};
  const text = example.replace(/^([A-Z][A-Z0-9_]*)=$/gm, (_, name) => {
    const isSecret = /(SECRET|PASSWORD|TOKEN)$/.test(name);
    if (!VALUES[name] && !isSecret) {
      throw new SetupError(`.env.example has ${name}, and scripts/compose-init.mjs no value for it.`);
    }
    made[name] = VALUES[name] ? VALUES[name](made, host) : aSecret();
    return `${name}=${made[name]}`;
  });
  return { text, made };
}

/** @throws SetupError in one sentence; nothing is written then */
export function composeInit({ folder, host }) {
  const file = join(folder, '.env');
  const state = join(folder, '.run', 'compose');
  checkHost(host);
  if (existsSync(file)) {
    throw new SetupError(
      `${file} exists already and stays as it is; its secrets open the database that they made.`,
    );
  }
  if (existsSync(join(state, 'secrets'))) {
    throw new SetupError(
      `${state} holds the secrets of an earlier .env; put that one back, or remove the folder.`,
    );
  }
  const { text, made } = fillIn(readFileSync(join(ROOT, '.env.example'), 'utf8'), host);
  makeCertificates({ out: state, hosts: [host] });
  // For programs that read a secret from a file only. The folder around lets nobody in but its owner; containers see the file.
  mkdirSync(join(state, 'secrets'), { mode: 0o755 });
  chmodSync(join(state, 'secrets'), 0o755);
  writeSecret(join(state, 'secrets', 'prometheus'), made.PROMETHEUS_SECRET);
  writeSecret(join(state, 'secrets', 'grafana-admin'), aSecret().slice(0, 24));
  // Last, and never over another one that came meanwhile: with .env in place everything is.
  writeFileSync(`${file}.new`, text, { mode: 0o600 });
  try {
    linkSync(`${file}.new`, file);
  } finally {
    rmSync(`${file}.new`);
  }
  return { file, state };
}

function writeSecret(file, value) {
  writeFileSync(file, value, { mode: 0o644 });
  chmodSync(file, 0o644);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  runScript(() => {
    const { values } = parseArgs({ options: { host: { type: 'string' }, folder: { type: 'string' } } });
    const host = values.host ?? 'localhost';
    const { file, state } = composeInit({ folder: resolve(values.folder ?? ROOT), host });
    console.log(
      `Wrote ${file} for ${host}${values.host ? '' : ' (another name: --host)'}, and certificates.`,
    );
    console.log(`Clients trust ${join(state, 'certificates', 'ca.crt')}; Grafana's admin password is in`);
    console.log(`${join(state, 'secrets', 'grafana-admin')}. Next: docker compose up --build --detach`);
  });
}

import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Everything secret in one system on one machine, made once. */
export interface Secrets {
  databasePassword: string;
  /** Signs tokens and tickets; 256 bits. */
  authSecret: string;
  /** The media server's word to the door. */
  mediaHookSecret: string;
  /** The broker's word to the door. */
  brokerHookSecret: string;
  /** The gateway's word to the monitor. */
  monitorToken: string;
  /** The gateway's login at the broker. */
  gatewayBrokerSecret: string;
  /** The monitor's login at the media server's control API. */
  monitorApiSecret: string;
  /** Prometheus' login at the media server's metrics. */
  prometheusSecret: string;
  adminPassword: string;
  viewerPassword: string;
  robotKey: string;
}

/** 256 bits that need no escaping in a URL, a shell or a YAML file. */
const aSecret = (): string => randomBytes(32).toString('hex');

const READABLE = 'abcdefghijkmnpqrstuvwxyz23456789';

/** 80 bits that a person can read off a screen, in groups of four. */
const aPassword = (): string =>
  [...randomBytes(16)]
    .map((byte) => READABLE[byte % READABLE.length])
    .join('')
    .replace(/(.{4})(?=.)/g, '$1-');

/** The form of a robot key (libs/access): the door knows it by its prefix. */
const aRobotKey = (): string => `rk_${randomBytes(32).toString('base64url')}`;

export function newSecrets(): Secrets {
  return {
    databasePassword: aSecret(),
    authSecret: aSecret(),
    mediaHookSecret: aSecret(),
    brokerHookSecret: aSecret(),
    monitorToken: aSecret(),
    gatewayBrokerSecret: aSecret(),
    monitorApiSecret: aSecret(),
    prometheusSecret: aSecret(),
    adminPassword: aPassword(),
    viewerPassword: aPassword(),
    robotKey: aRobotKey(),
  };
}

/**
 * The secrets of a data folder, made at its first use and kept in `secrets.json`, for its owner's eyes only. One that is
 * missing (an older file) is made anew.
 * @throws Error when the file is there and not readable as JSON: making new ones would lock the data out
 */
export function loadSecrets(dataDir: string): Secrets {
  const file = join(dataDir, 'secrets.json');
  let known: Partial<Secrets> = {};
  if (existsSync(file)) {
    try {
      known = JSON.parse(readFileSync(file, 'utf8')) as Partial<Secrets>;
    } catch {
      throw new Error(`${file} is damaged; restore it, or remove ${dataDir} to begin anew`);
    }
  }
  const secrets = { ...newSecrets(), ...known };
  if (Object.keys(known).length < Object.keys(secrets).length) {
    writeFileSync(`${file}.new`, `${JSON.stringify(secrets, null, 2)}\n`, { mode: 0o600 });
    renameSync(`${file}.new`, file);
  }
  chmodSync(file, 0o600);
  return secrets;
}

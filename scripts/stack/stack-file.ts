import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { DEMO_ROBOT, localUrl, type Plan } from './environments';
import type { MediaServer } from './media';

/** What `.run/stack.json` says about a running system; null for what it does not serve. Holds demo passwords. */
export interface StackFile {
  gateway: { url: string };
  auth: { url: string };
  monitor: { url: string };
  mqtt: { url: string };
  media: {
    kind: MediaServer['kind'];
    apiUrl: string;
    rtmpUrl: string | null;
    rtspUrl: string | null;
    hlsUrl: string | null;
    webrtcUrl: string | null;
  };
  database: { url: string };
  accounts: Record<'admin' | 'viewer', { username: string; password: string }>;
  robot: { id: string } | null;
}

export function describeStack(plan: Plan, kind: MediaServer['kind'], hasRobot: boolean): StackFile {
  const { ports, media, secrets } = plan;
  return {
    gateway: { url: `http://${plan.publicHost}:${ports.gateway}` },
    auth: { url: localUrl(ports.auth) },
    monitor: { url: localUrl(ports.monitor) },
    mqtt: { url: plan.externalMqttUrl ?? `mqtt://${plan.publicHost}:${ports.mqtt}` },
    media: {
      kind,
      apiUrl: plan.mediaApiUrl,
      rtmpUrl: media.rtmpUrl,
      rtspUrl: media.rtspUrl,
      hlsUrl: media.hlsUrl,
      webrtcUrl: media.webrtcUrl,
    },
    database: { url: plan.databaseUrl },
    accounts: {
      admin: { username: 'admin', password: secrets.adminPassword },
      viewer: { username: 'viewer', password: secrets.viewerPassword },
    },
    robot: hasRobot ? { id: DEMO_ROBOT } : null,
  };
}

const textOf = (stack: StackFile): string => `${JSON.stringify(stack, null, 2)}\n`;

export function writeStackFile(file: string, stack: StackFile): void {
  mkdirSync(dirname(file), { recursive: true });
  rmSync(file, { force: true });
  writeFileSync(file, textOf(stack), { mode: 0o600 });
  chmodSync(file, 0o600);
}

/** Removes the file when it still describes this system; a second one may have written its own since. */
export function removeStackFile(file: string, stack: StackFile): void {
  if (existsSync(file) && readFileSync(file, 'utf8') === textOf(stack)) rmSync(file);
}

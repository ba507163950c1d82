import { spawnSync } from 'node:child_process';
import { existsSync, lstatSync, mkdtempSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const SCRIPT = join(__dirname, 'install.sh');
const UNIT = readFileSync(join(__dirname, 'rovercast-device.service'), 'utf8');

const install = (...args: string[]): { code: number | null; out: string } => {
  const { status, stdout, stderr } = spawnSync('sh', [SCRIPT, ...args], { encoding: 'utf8' });
  return { code: status, out: stdout + stderr };
};

const aFolder = (): string => mkdtempSync(join(tmpdir(), 'install-'));
const isBuilt = existsSync(join(__dirname, '../../dist/apps/device/apps/device/src/cli.js'));

describe('install.sh', () => {
  it('rehearses without touching anything', () => {
    const folder = aFolder();
    const { code, out } = install('--dry-run', '--prefix', folder);
    expect(code).toBe(0);
    expect(out).toContain(`+ mkdir -p ${folder}/opt/rovercast/scripts/device`);
    expect(existsSync(join(folder, 'opt'))).toBe(false);
  });

  it('rehearses the whole machine', () => {
    const { code, out } = install('--dry-run', '--no-packages');
    expect(code).toBe(0);
    for (const step of ['useradd --system', 'systemctl enable', 'npm ci --omit=dev'])
      expect(out).toContain(step);
  });

  it('never shows the code of an enrolment', () => {
    const { out } = install('--dry-run', '--prefix', aFolder(), '--enroll', 'https://h', 'SECRET-CODE');
    expect(out).toContain('--server https://h --code -');
    expect(out).not.toContain('SECRET-CODE');
  });

  (isBuilt ? it : it.skip)('may be run again, and keeps what the robot was given', () => {
    const folder = aFolder();
    expect(install('--prefix', folder)).toMatchObject({ code: 0 });
    const settings = join(folder, 'etc/rovercast/device.env');
    expect(statSync(settings).mode & 0o777).toBe(0o600);
    expect(lstatSync(join(folder, 'usr/local/bin/rovercast-device')).isSymbolicLink()).toBe(true);
    writeFileSync(settings, 'ROBOT_ID=r7\n');
    expect(install('--prefix', folder)).toMatchObject({ code: 0 });
    expect(readFileSync(settings, 'utf8')).toBe('ROBOT_ID=r7\n');
    expect(existsSync(join(folder, 'opt/rovercast/dist/apps/device/apps/device/src/cli.js'))).toBe(true);
    expect(existsSync(join(folder, 'opt/rovercast/dist/apps/device/device'))).toBe(false);
  });

  it.each([['--bogus'], ['--prefix']])('refuses %s', (argument) => {
    expect(install(argument).code).not.toBe(0);
  });
});

describe('the unit', () => {
  it.each([
    ...['Restart=always', 'KillMode=control-group', 'StartLimitIntervalSec=0', 'NoNewPrivileges=yes'],
    ...['ProtectSystem=strict', 'StateDirectory=rovercast', 'User=rovercast', 'CapabilityBoundingSet='],
  ])('says %s', (line) => {
    expect(UNIT.split('\n')).toContain(line);
  });
});

import 'reflect-metadata';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { IsArray, IsBoolean, IsInt, IsOptional, IsUrl, Matches, Max, MinLength } from 'class-validator';
import {
  AsBoolean,
  AsList,
  AsNumber,
  CommonSettings,
  environmentName,
  parseSettings,
  settingNames,
  SettingsError,
} from './settings';

class Example extends CommonSettings {
  @IsUrl({ protocols: ['postgres'], require_tld: false, require_protocol: true })
  databaseUrl: string = undefined as never;

  @MinLength(32)
  authSecret: string = undefined as never;

  @IsOptional()
  @MinLength(32)
  authSecretPrevious: string | undefined = undefined;

  @AsNumber()
  @IsInt()
  @Max(100)
  leaseSeconds: number = 30;

  @AsBoolean()
  @IsBoolean()
  migrateOnStart: boolean = false;

  @AsList()
  @IsArray()
  @Matches(/^\w+:\w+$/, { each: true })
  accounts: string[] = [];
}

const SECRET = 's'.repeat(40);
const good = { DATABASE_URL: 'postgres://u:p%40x@127.0.0.1:5432/rovercast', AUTH_SECRET: SECRET };

const complaint = (environment: Record<string, string>): string => {
  try {
    parseSettings(Example, environment);
  } catch (error) {
    expect(error).toBeInstanceOf(SettingsError);
    return (error as Error).message;
  }
  throw new Error('it was accepted');
};

describe('parseSettings', () => {
  it('reads what is given and defaults the rest', () => {
    expect(parseSettings(Example, { ...good, PORT: '3001', SOMETHING_ELSE: 'x' })).toEqual({
      databaseUrl: good.DATABASE_URL,
      authSecret: SECRET,
      authSecretPrevious: undefined,
      leaseSeconds: 30,
      migrateOnStart: false,
      accounts: [],
      logLevel: 'info',
      host: '0.0.0.0',
      port: 3001,
    });
  });

  it('gives an instance of its class', () => {
    expect(parseSettings(Example, good)).toBeInstanceOf(Example);
  });

  it.each([
    ['30', 30],
    [' 30 ', 30],
    ['0', 0],
    ['-1', -1],
  ])('reads %j as a number', (text, expected) => {
    expect(parseSettings(Example, { ...good, LEASE_SECONDS: text }).leaseSeconds).toBe(expected);
  });

  it.each(['x', '1.5', '101', 'Infinity', 'NaN', '1e309', '12px', '1,5'])(
    'refuses %j as a number',
    (text) => {
      expect(complaint({ ...good, LEASE_SECONDS: text })).toContain('LEASE_SECONDS: ');
    },
  );

  it.each([
    ['true', true],
    ['1', true],
    ['false', false],
    ['0', false],
  ])('reads %j as a boolean', (text, expected) => {
    expect(parseSettings(Example, { ...good, MIGRATE_ON_START: text }).migrateOnStart).toBe(expected);
  });

  it.each(['yes', 'TRUE', '2', 'on'])('refuses %j as a boolean', (text) => {
    expect(complaint({ ...good, MIGRATE_ON_START: text })).toContain(
      'MIGRATE_ON_START: it must be a boolean',
    );
  });

  it.each([
    ['a:b', ['a:b']],
    [' a:b , c:d ,', ['a:b', 'c:d']],
    [',', []],
  ])('reads %j as a list', (text, expected) => {
    expect(parseSettings(Example, { ...good, ACCOUNTS: text }).accounts).toEqual(expected);
  });

  it.each(['', undefined])('takes %j for not given', (value) => {
    const settings = parseSettings(Example, {
      ...good,
      PORT: value,
      AUTH_SECRET_PREVIOUS: value,
      ACCOUNTS: value,
    });
    expect(settings).toMatchObject({ port: 0, authSecretPrevious: undefined, accounts: [] });
  });

  it('lists every problem at once, by the name of its variable', () => {
    const text = complaint({
      PORT: '70000',
      LOG_LEVEL: 'loud',
      ACCOUNTS: 'a:b,nonsense',
      MIGRATE_ON_START: 'x',
    });
    for (const name of ['DATABASE_URL', 'AUTH_SECRET', 'PORT', 'LOG_LEVEL', 'ACCOUNTS', 'MIGRATE_ON_START']) {
      expect(text).toMatch(new RegExp(`^  ${name}: `, 'm'));
    }
    expect(text).not.toMatch(/databaseUrl|authSecret|logLevel|undefined/);
  });

  it('never repeats a value', () => {
    const canary = 'CANARY-77';
    const text = complaint({
      DATABASE_URL: `mysql://root:${canary}@db/x`,
      AUTH_SECRET: canary,
      PORT: canary,
      LOG_LEVEL: canary,
      ACCOUNTS: `${canary},${canary}`,
    });
    expect(text).not.toContain(canary);
  });

  it('knows the names of its variables', () => {
    expect(settingNames(Example)).toEqual(
      expect.arrayContaining(['DATABASE_URL', 'AUTH_SECRET_PREVIOUS', 'LOG_LEVEL', 'PORT', 'HOST']),
    );
    expect(environmentName('mediamtxApiUrl')).toBe('MEDIAMTX_API_URL');
  });

  describe('with secrets in files', () => {
    const folder = mkdtempSync(join(tmpdir(), 'settings-'));
    const file = (name: string, text: string): string => {
      writeFileSync(join(folder, name), text);
      return join(folder, name);
    };
    afterAll(() => rmSync(folder, { recursive: true }));

    it('reads the file, without the newline at its end', () => {
      const AUTH_SECRET_FILE = file('secret', `${SECRET}\n`);
      expect(parseSettings(Example, { ...good, AUTH_SECRET: '', AUTH_SECRET_FILE }).authSecret).toBe(SECRET);
    });

    it('prefers the file', () => {
      const AUTH_SECRET_FILE = file('other', 'o'.repeat(32));
      expect(parseSettings(Example, { ...good, AUTH_SECRET_FILE }).authSecret).toBe('o'.repeat(32));
    });

    it('takes an empty file for not given', () => {
      const AUTH_SECRET_PREVIOUS_FILE = file('empty', '\n');
      expect(
        parseSettings(Example, { ...good, AUTH_SECRET_PREVIOUS_FILE }).authSecretPrevious,
      ).toBeUndefined();
    });

    it('says which file it cannot read, among the other problems', () => {
      const text = complaint({ DATABASE_URL: 'x', AUTH_SECRET_FILE: join(folder, 'absent') });
      expect(text).toContain('AUTH_SECRET_FILE: cannot be read (ENOENT)');
      expect(text).toContain('DATABASE_URL: ');
    });
  });
});

import { readFileSync } from 'node:fs';
import { ConfigModule } from '@nestjs/config';
import type { DynamicModule } from '@nestjs/common';
import { Transform } from 'class-transformer';
import { IsIn, IsInt, Max, Min, validateSync } from 'class-validator';
import { plainToInstance } from 'class-transformer';
import { fieldProblems } from '@rovercast/contracts';

export type Environment = Record<string, string | undefined>;

/** The settings of a process are not usable; the message lists every problem by the variable's name. */
export class SettingsError extends Error {
  override readonly name = 'SettingsError';
}

/** Reads a text as number; anything else stays as it is, for the validator to name. */
export const AsNumber = (): PropertyDecorator =>
  Transform(({ value }: { value: unknown }) =>
    typeof value === 'string' && value.trim() !== '' && Number.isFinite(Number(value))
      ? Number(value)
      : value,
  );

/** Reads `true`, `false`, `1` and `0`. */
export const AsBoolean = (): PropertyDecorator =>
  Transform(({ value }: { value: unknown }) =>
    value === 'true' || value === '1' ? true : value === 'false' || value === '0' ? false : value,
  );

/** Reads a comma-separated list. */
export const AsList = (): PropertyDecorator =>
  Transform(({ value }: { value: unknown }) =>
    typeof value === 'string'
      ? value
          .split(',')
          .map((item) => item.trim())
          .filter(Boolean)
      : value,
  );

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const;

/** What every app can be told. */
export class CommonSettings {
  /** Least severe line that is written. */
  @IsIn(LOG_LEVELS)
  logLevel: (typeof LOG_LEVELS)[number] = 'info';

  /** Address to listen on. */
  host: string = '0.0.0.0';

  /** TCP port; 0 takes any free one. */
  @AsNumber()
  @IsInt()
  @Min(0)
  @Max(65535)
  port: number = 0;
}

/** `databaseUrl` → `DATABASE_URL` */
export function environmentName(property: string): string {
  return property.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase();
}

/** `DATABASE_URL` → `databaseUrl` */
function propertyName(variable: string): string {
  return variable.toLowerCase().replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

/** The variables that a settings class knows, by their environment names. */
export function settingNames(type: new () => object): string[] {
  return Object.keys(new type()).map(environmentName);
}

function readVariable(environment: Environment, name: string, problems: string[]): string | undefined {
  const file = environment[`${name}_FILE`];
  if (!file) return environment[name] || undefined;
  try {
    return readFileSync(file, 'utf8').trim() || undefined;
  } catch (error) {
    problems.push(`${name}_FILE: cannot be read (${(error as NodeJS.ErrnoException).code})`);
    return undefined;
  }
}

/**
 * The settings of one process. A class property `databaseUrl` is read from `DATABASE_URL`, or from the file that
 * `DATABASE_URL_FILE` names; every property needs an initialiser (`undefined` for a required one), which is its default.
 * @throws SettingsError that lists all problems; values are never repeated
 */
export function parseSettings<T extends object>(type: new () => T, environment: Environment): T {
  const problems: string[] = [];
  const given: Record<string, string> = {};
  for (const name of settingNames(type)) {
    const value = readVariable(environment, name, problems);
    if (value !== undefined) given[propertyName(name)] = value;
  }
  const settings = plainToInstance(type, given, { exposeDefaultValues: true });
  for (const problem of fieldProblems(validateSync(settings, { forbidUnknownValues: true }))) {
    problems.push(`${environmentName(problem.field)}: ${problem.message.replace(problem.field, 'it')}`);
  }
  if (problems.length > 0) throw new SettingsError(`settings are not usable\n  ${problems.join('\n  ')}`);
  return settings;
}

/** Offers settings to an app: by their class for injection, and through Nest's ConfigService by property name. */
export function settingsModule<T extends object>(settings: T): DynamicModule {
  const token = settings.constructor as new () => T;
  return {
    module: class SettingsModule {},
    global: true,
    imports: [
      ConfigModule.forRoot({
        isGlobal: true,
        ignoreEnvFile: true,
        skipProcessEnv: true,
        load: [() => settings],
      }),
    ],
    providers: [{ provide: token, useValue: settings }],
    exports: [token],
  };
}

import { AsBoolean, AsList, CommonSettings } from '@rovercast/platform';
import { IsBoolean, IsOptional, IsUrl, Matches, MinLength } from 'class-validator';

const SECRET_MIN_CHARS = 16;

/** Settings of the auth app; each property is an environment variable (`authSecret` is `AUTH_SECRET`). */
export class AuthSettings extends CommonSettings {
  override port = 3001;

  /** Postgres, `postgres://user:pass@host:port/name`. */
  @IsUrl({ protocols: ['postgres', 'postgresql'], require_tld: false, require_protocol: true })
  databaseUrl: string = undefined as never;

  /** Signs tickets and access tokens and keys the lookup of stream keys; the same for auth and gateway. */
  @MinLength(32)
  authSecret: string = undefined as never;

  /** The secret before the last rotation: its tickets are accepted until they expire, its keys are renewed as they are used. */
  @IsOptional()
  @MinLength(32)
  authSecretPrevious: string | undefined = undefined;

  /** Password that the media server sends with each question (user `media`). */
  @MinLength(SECRET_MIN_CHARS)
  mediaHookSecret: string = undefined as never;

  /** Media servers with a secret of their own, which then is the only good one for them: `node:secret`, comma-separated. */
  @AsList()
  @Matches(/^[\w-]{1,64}:[^:]{16,}$/, { each: true, message: 'each entry of it must be node:secret' })
  mediaNodeSecrets: string[] = [];

  /** Password that the broker sends with each question (user `broker`). */
  @MinLength(SECRET_MIN_CHARS)
  brokerHookSecret: string = undefined as never;

  /** Who may call the media server's API and metrics: `user:secret:action`, comma-separated. */
  @AsList()
  @Matches(/^[\w-]+:[^:]{16,}:(api|metrics|pprof)$/, {
    each: true,
    message: 'each entry of it must be user:secret:action',
  })
  machineAccounts: string[] = [];

  /** Gateways' logins at the broker: `user:secret`, comma-separated. */
  @AsList()
  @Matches(/^[\w-]+:[^:]{16,}$/, { each: true, message: 'each entry of it must be user:secret' })
  brokerAccounts: string[] = [];

  /** Bring the tables up to date before the door opens. */
  @AsBoolean()
  @IsBoolean()
  migrateOnStart: boolean = false;
}

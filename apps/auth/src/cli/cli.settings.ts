import { AsList } from '@rovercast/platform';
import { IsUrl, Matches, MinLength } from 'class-validator';

/** Settings of the command line; the same names as the auth app's. */
export class CliSettings {
  /** Postgres, `postgres://user:pass@host:port/name`. */
  @IsUrl({ protocols: ['postgres', 'postgresql'], require_tld: false, require_protocol: true })
  databaseUrl: string = undefined as never;

  /** The secret that keys the lookup of stream keys. */
  @MinLength(32)
  authSecret: string = undefined as never;

  /** Gateways' logins at the broker: `user:secret`, comma-separated; for Mosquitto's password file. */
  @AsList()
  @Matches(/^[\w-]+:[^:]{16,}$/, { each: true, message: 'each entry of it must be user:secret' })
  brokerAccounts: string[] = [];
}

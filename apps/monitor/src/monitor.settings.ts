import { AsNumber, CommonSettings } from '@rovercast/platform';
import { IsInt, IsOptional, IsUrl, Max, Min, MinLength } from 'class-validator';

/** Settings of the monitor; each property is an environment variable (`monitorToken` is `MONITOR_TOKEN`). */
export class MonitorSettings extends CommonSettings {
  override port = 3002;

  /** Postgres, `postgres://user:pass@host:port/name`. */
  @IsUrl({ protocols: ['postgres', 'postgresql'], require_tld: false, require_protocol: true })
  databaseUrl: string = undefined as never;

  /** Opens the sources of cameras, which the gateway sealed with it; without it cameras are not pulled. */
  @IsOptional()
  @MinLength(32)
  authSecret: string | undefined = undefined;

  /** The secret before the last rotation: sources that were sealed with it are opened until they are set anew. */
  @IsOptional()
  @MinLength(32)
  authSecretPrevious: string | undefined = undefined;

  /** MediaMTX's control API with the monitor's machine account, `http://monitor:secret@host:9997`. */
  @IsUrl({ protocols: ['http', 'https'], require_tld: false, require_protocol: true })
  mediamtxApiUrl: string = undefined as never;

  /** Shared with the gateway, which reads the snapshot with it. */
  @MinLength(16)
  monitorToken: string = undefined as never;

  /** Pause between two polls of the media server, in milliseconds; shorter while a stream starts or stops. */
  @AsNumber()
  @IsInt()
  @Min(100)
  @Max(60_000)
  pollIntervalMs: number = 1_000;

  /** How long a stream goes on after its last viewer, when no app holds a lease, in seconds. */
  @AsNumber()
  @IsInt()
  @Min(1)
  @Max(3_600)
  idleGraceSeconds: number = 10;
}

import { AsNumber, CommonSettings } from '@rovercast/platform';
import { IsInt, IsOptional, IsString, IsUrl, Max, Min, registerDecorator } from 'class-validator';
import { parsePortRange, parseRelayKeys, parseRelays } from './relays.rules';

/** Valid when the reader takes it; what it throws becomes the setting's problem. */
const Readable =
  (read: (value: string, settings: RelaySettings) => unknown): PropertyDecorator =>
  (target, property) => {
    const problem = (value: unknown, settings: unknown): string | undefined => {
      try {
        read(String(value), settings as RelaySettings);
        return undefined;
      } catch (error) {
        return (error as Error).message;
      }
    };
    registerDecorator({
      name: 'readable',
      target: target.constructor,
      propertyName: String(property),
      validator: {
        validate: (value, parts) => problem(value, parts?.object) === undefined,
        defaultMessage: (parts) =>
          `${parts?.property}: ${problem(parts?.value, parts?.object) ?? 'not readable'}`,
      },
    });
  };

/** What the relay can be told. */
export class RelaySettings extends CommonSettings {
  /** Where state and health are served. */
  override host: string = '127.0.0.1';
  override port: number = 3004;

  /** Ports that robots may be given, ends included. */
  @Readable((value) => parsePortRange(value))
  relayPorts: string = '20000-20099';

  /** `robot:port:path`, comma-separated; the path is `robots/<robot>` when left out. */
  @Readable((value, { relayPorts }) => parseRelays(value, parsePortRange(relayPorts)))
  relays: string = undefined as never;

  /** `robot:key`, comma-separated or one to a line: the keys that POST /v1/robots answered. */
  @Readable((value, { relays, relayPorts }) => {
    const keys = parseRelayKeys(value);
    const missing = parseRelays(relays, parsePortRange(relayPorts)).find(({ robotId }) => !keys.has(robotId));
    if (missing) throw new Error(`there is no key of ${missing.robotId}`);
  })
  relayKeys: string = undefined as never;

  /** Address on which RTP is taken. */
  @IsString()
  relayHost: string = '0.0.0.0';

  /** Where the pictures go. */
  @IsUrl({ protocols: ['rtsp', 'rtsps'], require_tld: false, require_protocol: true, disallow_auth: true })
  relayMediaUrl: string = 'rtsp://127.0.0.1:8554';

  /** A stream is off when nothing arrives for so long; FFmpeg needs about two to begin. */
  @AsNumber()
  @IsInt()
  @Min(5)
  @Max(300)
  relaySilenceSeconds: number = 10;

  /** Path of ffmpeg, where it is not on the PATH. */
  @IsOptional()
  @IsString()
  ffmpegPath?: string = undefined;
}

import { AsBoolean, AsNumber, CommonSettings } from '@rovercast/platform';
import { IsBoolean, IsIn, IsOptional, IsString, IsUrl, Matches, MinLength } from 'class-validator';

/** `none` says that the media server does not serve a protocol. */
const MediaUrl = (...protocols: string[]): PropertyDecorator =>
  Matches(new RegExp(`^(none|(${protocols.join('|')})://[^\\s@?#]+)$`), {
    message: `it must be a URL (${protocols.join(', ')}) without credentials, or none`,
  });

/** Settings of the gateway; each property is an environment variable (`mqttUrl` is `MQTT_URL`). */
export class GatewaySettings extends CommonSettings {
  override port = 3000;

  /** Postgres, `postgres://user:pass@host:port/name`. */
  @IsUrl({ protocols: ['postgres', 'postgresql'], require_tld: false, require_protocol: true })
  databaseUrl: string = undefined as never;

  /** Signs tickets and access tokens and keys the lookup of stream keys; the same for auth and gateway. */
  @MinLength(32)
  authSecret: string = undefined as never;

  /** The secret before the last rotation: its tokens are accepted until they expire. */
  @IsOptional()
  @MinLength(32)
  authSecretPrevious: string | undefined = undefined;

  /** Broker with the gateway's login, `mqtt://gateway:secret@host:1883` or `mqtts://…`. */
  @IsUrl({ protocols: ['mqtt', 'mqtts'], require_tld: false, require_protocol: true })
  mqttUrl: string = undefined as never;

  /** MQTT protocol level: 5, or 4 (3.1.1) for brokers that refuse 5. */
  @AsNumber()
  @IsIn([4, 5])
  mqttVersion: 4 | 5 = 5;

  /** PEM of the authority that signed the broker's certificate, where the system does not know it; for `mqtts://`. */
  @IsOptional()
  @Matches(/^-----BEGIN CERTIFICATE-----\s/, { message: 'it must be a certificate in PEM form' })
  mqttCa: string | undefined = undefined;

  /** Where the monitor answers. */
  @IsUrl({ protocols: ['http', 'https'], require_tld: false, require_protocol: true })
  monitorUrl: string = 'http://127.0.0.1:3002';

  /** The monitor's shared secret. */
  @MinLength(16)
  monitorToken: string = undefined as never;

  /** Host name or address at which viewers and robots reach the media server; the URLs below are made from it. */
  @IsString()
  mediamtxPublicHost: string = 'localhost';

  /** Where viewers play RTSP. */
  @IsOptional()
  @MediaUrl('rtsp', 'rtsps')
  mediaRtspUrl: string | undefined = undefined;

  /** Where viewers play RTMP. */
  @IsOptional()
  @MediaUrl('rtmp', 'rtmps')
  mediaRtmpUrl: string | undefined = undefined;

  /** Where viewers play HLS. */
  @IsOptional()
  @MediaUrl('http', 'https')
  mediaHlsUrl: string | undefined = undefined;

  /** Where viewers play WebRTC (WHEP). */
  @IsOptional()
  @MediaUrl('http', 'https')
  mediaWebrtcUrl: string | undefined = undefined;

  /** Where viewers play SRT. */
  @IsOptional()
  @MediaUrl('srt')
  mediaSrtUrl: string | undefined = undefined;

  /** Where viewers play HTTP-FLV; only the development stand-in serves it. */
  @IsOptional()
  @MediaUrl('http', 'https')
  mediaFlvUrl: string | undefined = undefined;

  /** Where robots publish. */
  @IsOptional()
  @MediaUrl('rtsp', 'rtsps', 'rtmp', 'rtmps', 'srt')
  mediaIngestUrl: string | undefined = undefined;

  /** Where robots reach the gateway, to upload pictures; MEDIAMTX_PUBLIC_HOST and PORT by default. */
  @IsOptional()
  @IsUrl({ protocols: ['http', 'https'], require_tld: false, require_protocol: true })
  gatewayPublicUrl: string | undefined = undefined;

  /** Lets the older bridge's three calls in without a login. */
  @AsBoolean()
  @IsBoolean()
  legacyBridgeOpen: boolean = false;

  /** Lets cameras be pulled from private addresses; who may add a camera then reaches what the media server reaches. */
  @AsBoolean()
  @IsBoolean()
  cameraPrivateSources: boolean = false;
}

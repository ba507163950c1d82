import { AsBoolean, AsNumber, CommonSettings } from '@rovercast/platform';
import { ID_PATTERN } from '@rovercast/contracts';
import {
  IsBoolean,
  IsIn,
  IsInt,
  IsOptional,
  IsString,
  IsUrl,
  Matches,
  Max,
  MaxLength,
  Min,
  registerDecorator,
} from 'class-validator';
import { parseCameras } from './cameras.rules';

/** Valid when `parseCameras` can read it; its message becomes the setting's problem. */
const AreCameras = (): PropertyDecorator => (target, property) => {
  const problem = (value: unknown): string | undefined => {
    try {
      parseCameras(String(value));
      return undefined;
    } catch (error) {
      return (error as Error).message;
    }
  };
  registerDecorator({
    name: 'areCameras',
    target: target.constructor,
    propertyName: String(property),
    validator: {
      validate: (value) => problem(value) === undefined,
      defaultMessage: (parts) => `${parts?.property}: ${problem(parts?.value) ?? 'not readable'}`,
    },
  });
};

const MQTT_URL_RULE = { protocols: ['mqtt', 'mqtts'], require_protocol: true, require_tld: false };

/** What a robot's agent can be told. */
export class DeviceSettings extends CommonSettings {
  override host: string = '127.0.0.1';
  override port: number = 3003;

  /** Name of the robot: one topic level, one path segment, and its login at the broker. */
  @Matches(ID_PATTERN, { message: 'robotId must be 1 to 64 of A-Z a-z 0-9 _ -' })
  robotId: string = undefined as never;

  /** Broker, `mqtt://` or `mqtts://`. */
  @IsUrl(MQTT_URL_RULE)
  mqttUrl: string = 'mqtt://127.0.0.1:1883';

  /** 5, or 4 (MQTT 3.1.1) for brokers that refuse 5. */
  @AsNumber()
  @IsIn([4, 5])
  mqttVersion: 4 | 5 = 5;

  /** Login at the broker where it is not the robot's id. */
  @IsOptional()
  @IsString()
  mqttUsername?: string = undefined;

  /** The robot's key: its password at the broker. */
  @IsOptional()
  @IsString()
  @MaxLength(256)
  robotKey?: string = undefined;

  /** PEM of the authority that signed the broker's certificate, where the system does not know it. */
  @IsOptional()
  @IsString()
  mqttCa?: string = undefined;

  /** PEM of the robot's certificate and key, for brokers that ask for one. */
  @IsOptional()
  @IsString()
  mqttCert?: string = undefined;

  @IsOptional()
  @IsString()
  mqttKey?: string = undefined;

  /** `name=source,…` or JSON; sources are test, v4l2:/dev/…, libcamera[:name], argus[:sensor], file:<path>, rtsp://… */
  @AreCameras()
  cameras: string = 'main=test';

  /**
   * Which tool encodes; auto takes the one whose hardware encoder works, else ffmpeg, and GStreamer where ffmpeg is absent or
   * cannot read the camera.
   */
  @IsIn(['auto', 'ffmpeg', 'gstreamer'])
  encoder: 'auto' | 'ffmpeg' | 'gstreamer' = 'auto';

  /** Path of ffmpeg, where it is not on the PATH. */
  @IsOptional()
  @IsString()
  ffmpegPath?: string = undefined;

  /** Path of gst-launch-1.0, where it is not on the PATH. */
  @IsOptional()
  @IsString()
  gstLaunchPath?: string = undefined;

  /** Picture width in pixels, where an order names none. */
  @AsNumber()
  @IsInt()
  @Min(16)
  @Max(7680)
  defaultProfileWidth: number = 640;

  /** Picture height in pixels, where an order names none. */
  @AsNumber()
  @IsInt()
  @Min(16)
  @Max(4320)
  defaultProfileHeight: number = 360;

  /** Frames per second, where an order names none. */
  @AsNumber()
  @IsInt()
  @Min(1)
  @Max(120)
  defaultProfileFps: number = 15;

  /** Video bit rate in kilobits per second, where an order names none. */
  @AsNumber()
  @IsInt()
  @Min(32)
  @Max(100_000)
  defaultProfileBitrateKbps: number = 800;

  /** Obey bare `start` and `stop` on the legacy topic too. Everyone who may publish there controls the camera. */
  @AsBoolean()
  @IsBoolean()
  legacyTopicEnabled: boolean = false;

  /** The legacy topic. */
  @Matches(/^[^+#\0]{1,200}$/, { message: 'legacyTopic must be a topic without wildcards' })
  legacyTopic: string = 'robot/stream';

  /** Where a legacy `start` publishes to: a host, or an rtsp://, rtmp:// or srt:// URL. */
  @IsOptional()
  @IsString()
  @MaxLength(512)
  mediaServer?: string = undefined;

  /** Login at the media server for legacy starts; the robot's id by default. */
  @IsOptional()
  @IsString()
  mediaPublishUser?: string = undefined;

  /** Password at the media server for legacy starts; the robot's key by default. */
  @IsOptional()
  @IsString()
  mediaPublishPass?: string = undefined;
}

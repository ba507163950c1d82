import { Injectable } from '@nestjs/common';
import { DomainError, type ProbedEncoder, type StreamProfile } from '@rovercast/contracts';
import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { join } from 'node:path';
import type { Camera } from '../settings/cameras.rules';
import { DeviceSettings } from '../settings/device.settings';
import { backendsOf, type Encoders } from './encoder.discovery';
import { EncoderProcess, type Encoder, type EncoderCommand, type EncoderListeners } from './encoder.process';
import {
  canRead,
  isExclusive,
  ffmpegArguments,
  gstreamerArguments,
  type Backend,
  type Target,
} from './pipeline.rules';
import { isHardware } from './video-encoders.rules';

/** Chooses the tool for a camera and makes its command. */
@Injectable()
export class EncoderService {
  constructor(
    private readonly settings: Pick<DeviceSettings, 'encoder'>,
    readonly encoders: Encoders,
    /** Only the agent may read it. */
    private readonly stillsDir?: string,
  ) {}

  /** Names of the tools that were found. */
  get backends(): Backend[] {
    return backendsOf(this.encoders);
  }

  /** The H.264 encoder of each, best first. */
  get videoEncoders(): string[] {
    return this.preferred.flatMap((backend) => {
      if (!this.encoders[backend]) return [];
      return [this.encoders[backend].videoEncoder ?? 'x264enc'];
    });
  }

  /** Every encoder that was tried at the start. */
  get trials(): ProbedEncoder[] {
    return this.encoders.trials ?? [];
  }

  /** @throws DomainError INVALID_INPUT when nothing on this machine can encode the camera */
  backendFor({ name, source }: Camera): Backend {
    const allowed = this.settings.encoder === 'auto' ? this.preferred : [this.settings.encoder];
    const backend = allowed.find((each) => this.encoders[each] && canRead(each, source));
    if (backend) return backend;
    throw new DomainError('INVALID_INPUT', `no encoder on this robot can read camera ${name}`);
  }

  /** @throws DomainError; Error when the media server's name does not resolve */
  async commandFor(camera: Camera, profile: StreamProfile, target: Target): Promise<EncoderCommand> {
    const backend = this.backendFor(camera);
    const { ffmpeg, gstreamer, setpriv } = this.encoders;
    if (backend === 'gstreamer') {
      return {
        backend,
        file: gstreamer!.path,
        args: gstreamerArguments(camera.source, profile, target, gstreamer!.videoEncoder),
        setpriv,
      };
    }
    const address = ffmpeg!.needsAddresses ? { ...target, url: await withAddress(target.url) } : target;
    const { path, videoEncoder, quickProgress } = ffmpeg!;
    const args = ffmpegArguments(camera.source, profile, address, {
      videoEncoder,
      quickProgress,
      stillFile: this.stillFile(camera),
    });
    return { backend, file: path, args, setpriv };
  }

  /** Starts a command; the one place where an encoder comes to life. */
  start(command: EncoderCommand, on: EncoderListeners): Encoder {
    return new EncoderProcess(command, on);
  }

  /** Where the encoder of an exclusive camera leaves its newest picture; undefined for cameras that can be opened again. */
  stillFile({ name, source }: Camera): string | undefined {
    return this.stillsDir && isExclusive(source) ? join(this.stillsDir, `${name}.jpg`) : undefined;
  }

  /** ffmpeg first, unless GStreamer alone has an encoder in hardware. */
  private get preferred(): Backend[] {
    const { ffmpeg, gstreamer } = this.encoders;
    const inHardware = gstreamer?.videoEncoder && isHardware(gstreamer.videoEncoder);
    const gstreamerFirst = inHardware && !(ffmpeg && isHardware(ffmpeg.videoEncoder));
    return gstreamerFirst ? ['gstreamer', 'ffmpeg'] : ['ffmpeg', 'gstreamer'];
  }
}

const LOOKUP_TIMEOUT_MS = 5_000;

/** The URL with its host name replaced by an IP address. */
async function withAddress(url: string): Promise<string> {
  const target = new URL(url);
  const host = target.hostname.replace(/^\[|\]$/g, '');
  if (isIP(host)) return url;
  const { address, family } = await within(LOOKUP_TIMEOUT_MS, lookup(host));
  target.hostname = family === 6 ? `[${address}]` : address;
  return target.href;
}

async function within<T>(timeoutMs: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new Error('the name of the media server did not resolve in time')),
      timeoutMs,
    );
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}

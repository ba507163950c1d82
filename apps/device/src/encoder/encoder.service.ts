import { Injectable } from '@nestjs/common';
import { DomainError, type StreamProfile } from '@rovercast/contracts';
import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import type { Camera } from '../settings/cameras.rules';
import { DeviceSettings } from '../settings/device.settings';
import { backendsOf, type Encoders } from './encoder.discovery';
import type { EncoderCommand } from './encoder.process';
import { canRead, ffmpegArguments, gstreamerArguments, type Backend, type Target } from './pipeline.rules';

/** Chooses the tool for a camera and makes its command. */
@Injectable()
export class EncoderService {
  constructor(
    private readonly settings: Pick<DeviceSettings, 'encoder'>,
    private readonly encoders: Encoders,
  ) {}

  /** Names of the tools that were found. */
  get backends(): Backend[] {
    return backendsOf(this.encoders);
  }

  /** @throws DomainError INVALID_INPUT when nothing on this machine can encode the camera */
  backendFor({ name, source }: Camera): Backend {
    const allowed: Backend[] =
      this.settings.encoder === 'auto' ? ['ffmpeg', 'gstreamer'] : [this.settings.encoder];
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
        args: gstreamerArguments(camera.source, profile, target),
        setpriv,
      };
    }
    const address = ffmpeg!.needsAddresses ? { ...target, url: await withAddress(target.url) } : target;
    const args = ffmpegArguments(camera.source, profile, address, ffmpeg!.videoEncoder);
    return { backend, file: ffmpeg!.path, args, setpriv };
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

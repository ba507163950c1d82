import { setTimeout as pause } from 'node:timers/promises';
import type { EncoderStats } from '@rovercast/contracts';
import type { Encoder, EncoderCommand, EncoderListeners } from '../encoder/encoder.process';
import { EncoderService } from '../encoder/encoder.service';

/** Milliseconds until a pretend encoder has its first picture, and until it is gone after being told to stop. */
const FIRST_PICTURE_MS = 80;
const END_MS = 15;

/** Encoders that are live after a moment and encode nothing; everything around them is the agent's own. */
export class PretendEncoders extends EncoderService {
  private running = 0;
  /** Most that ran at once. */
  peak = 0;

  constructor() {
    const ffmpeg = { path: 'pretend', videoEncoder: 'libx264' as const, needsAddresses: false };
    super({ encoder: 'ffmpeg' }, { ffmpeg, setpriv: false });
  }

  override start(_command: EncoderCommand, on: EncoderListeners): Encoder {
    this.running += 1;
    this.peak = Math.max(this.peak, this.running);
    let ended = false;
    const stats: EncoderStats = { fps: 15, bitrateKbps: 800, frames: 1 };
    void pause(FIRST_PICTURE_MS).then(() => {
      if (!ended) on.live();
    });
    const stop = (): void => {
      if (ended) return;
      ended = true;
      void pause(END_MS).then(() => {
        this.running -= 1;
        on.exit({ exitCode: 0, stalled: false, lines: [] });
      });
    };
    return { pid: undefined, stats, stop };
  }
}

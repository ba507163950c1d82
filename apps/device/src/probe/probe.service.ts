import { Injectable } from '@nestjs/common';
import type { ProbedCamera, ProbeReport } from '@rovercast/contracts';
import { EncoderService } from '../encoder/encoder.service';
import { isExclusive } from '../encoder/pipeline.rules';
import { RobotPublisher } from '../presence/robot.publisher';
import type { Camera } from '../settings/cameras.rules';
import { StreamService } from '../stream/stream.service';
import { fitReport } from './probe.rules';
import { probeSource } from './source.probe';

/** The order `probe`: looks at every camera, and reports as `evt/probe`. */
@Injectable()
export class ProbeService {
  private busy = false;

  constructor(
    private readonly streams: StreamService,
    private readonly encoders: EncoderService,
    private readonly publisher: RobotPublisher,
  ) {}

  /** Begins to probe; false when it is at it already. */
  begin(requestId: string): boolean {
    if (this.busy) return false;
    this.busy = true;
    void this.probe(requestId).finally(() => (this.busy = false));
    return true;
  }

  private async probe(requestId: string): Promise<void> {
    const cameras: ProbedCamera[] = [];
    for (const camera of this.streams.sources) cameras.push(await this.look(camera));
    const report: ProbeReport = { v: 1, requestId, cameras, encoders: this.encoders.trials };
    await this.publisher.event('probe', fitReport(report));
  }

  /** A camera that only one process can open is not taken away from our own encoder. */
  private async look(camera: Camera): Promise<ProbedCamera> {
    const inUse = isExclusive(camera.source) && this.streams.isRunning(camera.name);
    if (!inUse) return probeSource(camera, this.encoders.encoders);
    return { camera: camera.name, ok: this.streams.isLive(camera.name), inUse };
  }
}

import { Injectable } from '@nestjs/common';
import { DomainError, type SnapshotEvent, type SnapshotOrder } from '@rovercast/contracts';
import { EncoderService } from '../encoder/encoder.service';
import { isExclusive } from '../encoder/pipeline.rules';
import { RobotPublisher } from '../presence/robot.publisher';
import type { Camera } from '../settings/cameras.rules';
import { StreamService } from '../stream/stream.service';
import { grabSnapshot, readStill } from './snapshot.grab';
import { uploadJpeg } from './upload.client';

/** The order `snapshot`: one picture of a camera, uploaded to where the order says; `evt/snapshot` tells how it went. */
@Injectable()
export class SnapshotService {
  /** Cameras that are being photographed. */
  private readonly busy = new Set<string>();

  constructor(
    private readonly streams: StreamService,
    private readonly encoders: EncoderService,
    private readonly publisher: RobotPublisher,
  ) {}

  /**
   * Begins to take the picture; false while one of this camera is being taken.
   * @throws DomainError INVALID_INPUT when the robot has no such camera, ROBOT_BUSY when an encoder that leaves no pictures has it
   */
  begin(order: SnapshotOrder): boolean {
    const camera = this.streams.cameraOf(order.camera);
    if (this.busy.has(camera.name)) return false;
    const take = this.wayTo(camera);
    this.busy.add(camera.name);
    void this.deliver(order, take).finally(() => this.busy.delete(camera.name));
    return true;
  }

  private wayTo(camera: Camera): () => Promise<Buffer> {
    if (!isExclusive(camera.source) || !this.streams.isRunning(camera.name))
      return () => grabSnapshot(camera, this.encoders.encoders);
    const still = this.encoders.stillFile(camera);
    if (still && this.encoders.backendFor(camera) === 'ffmpeg') return () => readStill(still);
    throw new DomainError('ROBOT_BUSY', 'the camera is streaming, and only one process can open it');
  }

  private async deliver(order: SnapshotOrder, take: () => Promise<Buffer>): Promise<void> {
    const { requestId, camera } = order;
    const told = await this.attempt(order, take);
    const event: SnapshotEvent = { v: 1, requestId, camera, ...told };
    await this.publisher.event('snapshot', event);
  }

  private async attempt(
    { uploadUrl, token }: SnapshotOrder,
    take: () => Promise<Buffer>,
  ): Promise<Pick<SnapshotEvent, 'uploaded' | 'sizeBytes' | 'detail'>> {
    try {
      const picture = await take();
      await uploadJpeg(uploadUrl, token, picture);
      return { uploaded: true, sizeBytes: picture.length };
    } catch (error) {
      return { uploaded: false, detail: (error as Error).message.slice(0, 512) };
    }
  }
}

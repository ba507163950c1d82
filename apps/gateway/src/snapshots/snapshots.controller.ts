import {
  Controller,
  Get,
  Headers,
  HttpCode,
  Param,
  Post,
  Put,
  Query,
  Req,
  Res,
  StreamableFile,
} from '@nestjs/common';
import {
  ApiAcceptedResponse,
  ApiBearerAuth,
  ApiConsumes,
  ApiNoContentResponse,
  ApiOkResponse,
  ApiProduces,
  ApiTags,
} from '@nestjs/swagger';
import { DomainError } from '@rovercast/contracts';
import { badField } from '@rovercast/directory';
import { Public } from '@rovercast/platform';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { timeOf, uuidParameter } from '../page';
import { CurrentCaller, type Caller } from '../session/caller';
import { SnapshotList, SnapshotListQuery, SnapshotView, TakeQuery } from './snapshots.dto';
import type { Snapshot } from './snapshots.repository';
import { SnapshotsService } from './snapshots.service';

const snapshotId = uuidParameter('id');
const JPEG = 'image/jpeg';
const PICTURE = { schema: { type: 'string' as const, format: 'binary' } };

@ApiTags('snapshots')
@Controller('v1')
export class SnapshotsController {
  constructor(private readonly snapshots: SnapshotsService) {}

  /** Let the robot take a picture. The answer is the JPEG, or with `wait=none` a 202 that says where it will be. */
  @Post('robots/:id/snapshot')
  @HttpCode(200)
  @ApiBearerAuth()
  @ApiProduces(JPEG, 'application/json')
  @ApiOkResponse(PICTURE)
  @ApiAcceptedResponse({ type: SnapshotView })
  async take(
    @CurrentCaller() caller: Caller,
    @Param('id') id: string,
    @Query() { camera, wait }: TakeQuery,
    @Headers('idempotency-key') key: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<StreamableFile | SnapshotView> {
    if (key !== undefined && wait === 'upload')
      throw badField(
        'Idempotency-Key',
        'Idempotency-Key goes with wait=none here: a picture is not kept as an answer',
      );
    const snapshot = await this.snapshots.order(caller, id, camera);
    if (wait === 'none') {
      reply.status(202).header('location', this.snapshots.urlOf(snapshot.id));
      return this.view(snapshot);
    }
    const image = await this.snapshots.arrival(snapshot.id);
    reply.header('content-location', `/v1/snapshots/${snapshot.id}`);
    return new StreamableFile(image, { type: JPEG, length: image.length });
  }

  /** The pictures of a robot that are kept. */
  @Get('robots/:id/snapshots')
  @ApiBearerAuth()
  @ApiOkResponse({ type: SnapshotList })
  async list(
    @CurrentCaller() caller: Caller,
    @Param('id') id: string,
    @Query() { camera }: SnapshotListQuery,
  ): Promise<SnapshotList> {
    const snapshots = await this.snapshots.list(caller, id, camera);
    return { items: snapshots.map((one) => this.view(one)) };
  }

  /** One picture; 404 while it is awaited. */
  @Get('snapshots/:id')
  @ApiBearerAuth()
  @ApiProduces(JPEG)
  @ApiOkResponse(PICTURE)
  async picture(
    @CurrentCaller() caller: Caller,
    @Param('id', snapshotId) id: string,
  ): Promise<StreamableFile> {
    const image = await this.snapshots.picture(caller, id);
    return new StreamableFile(image, { type: JPEG, length: image.length });
  }

  /** Where robots put pictures that were ordered: a JPEG of 512 KiB at most, with the order's token, once. */
  @Put('snapshots/:id')
  @Public()
  @HttpCode(204)
  @ApiConsumes(JPEG)
  @ApiNoContentResponse()
  async upload(
    @Param('id', snapshotId) id: string,
    @Headers('authorization') authorization: string | undefined,
    @Req() { body }: FastifyRequest,
  ): Promise<void> {
    const token = /^Bearer ([\w.~-]{1,512})$/.exec(authorization ?? '')?.[1];
    if (token === undefined) throw new DomainError('UNAUTHENTICATED', 'send the token of the order');
    if (!Buffer.isBuffer(body)) throw new DomainError('UNSUPPORTED_MEDIA_TYPE', `send ${JPEG}`);
    await this.snapshots.upload(id, token, body);
  }

  private view(snapshot: Snapshot): SnapshotView {
    const { id, robotId, camera, requestedBy, requestedAt, takenAt, sizeBytes } = snapshot;
    return {
      id,
      robotId,
      camera,
      requestedBy,
      requestedAt: requestedAt.toISOString(),
      takenAt: timeOf(takenAt),
      sizeBytes,
      url: this.snapshots.urlOf(id),
    };
  }
}

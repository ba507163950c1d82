import { Injectable } from '@nestjs/common';
import { DomainError } from '@rovercast/contracts';
import { cameraPath, Cameras, type Camera } from '@rovercast/directory';
import { may, requireRight, requireRole } from '../access';
import type { PageQuery } from '../paging.dto';
import type { Caller } from '../session/caller';
import { MonitorClient } from '../streams/monitor.client';
import type { CameraPage, CameraView, CreateCamera, UpdateCamera } from './cameras.dto';
import { SourceCheck } from './source.check';

/** The cameras that the media server pulls, as far as a caller may see them. The monitor brings them to the media server. */
@Injectable()
export class CamerasService {
  constructor(
    private readonly cameras: Cameras,
    private readonly sources: SourceCheck,
    private readonly monitor: MonitorClient,
  ) {}

  /** @throws DomainError FORBIDDEN, INVALID_INPUT, CONFLICT */
  async create(caller: Caller, request: CreateCamera): Promise<CameraView> {
    requireRole(caller, 'admin', 'operator');
    const source = await this.sources.allowed(request.source);
    const camera = await this.cameras.create({ ...request, source, ownerId: caller.id }, caller.username);
    return view(camera, 0, { withSource: true });
  }

  async list(caller: Caller, { limit, cursor }: PageQuery): Promise<CameraPage> {
    const viewers = await this.monitor.viewersByPath();
    const items: CameraView[] = [];
    let after = cursor ?? null;
    for (;;) {
      const batch = await this.cameras.list({ limit: 500, after });
      for (const camera of batch) {
        if (!visible(caller, camera.id)) continue;
        if (items.length === limit) return { items, nextCursor: items.at(-1)!.id };
        items.push(seenBy(caller, camera, viewers));
      }
      if (batch.length < 500) return { items, nextCursor: null };
      after = batch.at(-1)!.id;
    }
  }

  /** @throws DomainError NOT_FOUND */
  async get(caller: Caller, id: string): Promise<CameraView> {
    const camera = await this.find(caller, id);
    return seenBy(caller, camera, await this.monitor.viewersByPath());
  }

  /** @throws DomainError NOT_FOUND, FORBIDDEN, INVALID_INPUT */
  async update(caller: Caller, id: string, change: UpdateCamera): Promise<CameraView> {
    await this.changeable(caller, id);
    const source = change.source === undefined ? undefined : await this.sources.allowed(change.source);
    const camera = await this.cameras.update(id, { ...change, source }, caller.username);
    return seenBy(caller, camera, await this.monitor.viewersByPath());
  }

  /** @throws DomainError NOT_FOUND, FORBIDDEN */
  async remove(caller: Caller, id: string): Promise<void> {
    await this.changeable(caller, id);
    await this.cameras.remove(id, caller.username);
  }

  /** A camera that the caller may know of. @throws DomainError NOT_FOUND */
  async find(caller: Caller, id: string): Promise<Camera> {
    const camera = await this.cameras.find(id);
    if (!camera || !visible(caller, id)) throw new DomainError('NOT_FOUND', `there is no camera ${id}`);
    return camera;
  }

  private async changeable(caller: Caller, id: string): Promise<void> {
    await this.find(caller, id);
    requireRole(caller, 'admin', 'operator');
    requireRight(caller, 'control', cameraPath(id), `camera ${id}`);
  }
}

const visible = (caller: Caller, id: string): boolean =>
  may(caller, 'read', cameraPath(id)) || may(caller, 'control', cameraPath(id));

function seenBy(caller: Caller, camera: Camera, viewers: Map<string, number> | undefined): CameraView {
  const path = cameraPath(camera.id);
  const withSource = caller.role !== 'viewer' && may(caller, 'control', path);
  return view(camera, viewers ? (viewers.get(path) ?? 0) : null, { withSource });
}

function view(camera: Camera, viewers: number | null, { withSource }: { withSource: boolean }): CameraView {
  const { id, name, group, source, createdAt } = camera;
  return {
    id,
    name,
    group,
    path: cameraPath(id),
    source: withSource ? source : null,
    viewers,
    createdAt: createdAt.toISOString(),
  };
}

import { Controller, Get, Headers } from '@nestjs/common';
import { equalSecrets } from '@rovercast/access';
import { DomainError } from '@rovercast/contracts';
import type { SnapshotView } from './snapshot.view';
import { MonitorSettings } from '../monitor.settings';
import { SnapshotStore } from './snapshot.store';

/** For the gateway: what the media server showed last. */
@Controller('snapshot')
export class SnapshotController {
  constructor(
    private readonly store: SnapshotStore,
    private readonly settings: MonitorSettings,
  ) {}

  @Get()
  snapshot(@Headers('authorization') authorization = ''): SnapshotView {
    if (!equalSecrets(authorization, `Bearer ${this.settings.monitorToken}`)) {
      throw new DomainError('UNAUTHENTICATED', 'wrong monitor token');
    }
    const snapshot = this.store.get();
    return {
      takenAt: snapshot ? new Date(snapshot.takenAt).toISOString() : null,
      paths: (snapshot?.paths ?? []).map(
        ({ name, available, readers, tracks, inboundBytes, outboundBytes }) => ({
          name,
          available,
          viewers: readers.length,
          tracks: tracks,
          inboundBytes,
          outboundBytes,
        }),
      ),
    };
  }
}

import { Injectable } from '@nestjs/common';
import type { MediaSnapshot } from '@rovercast/mediamtx';
import { addTraffic, type Traffic } from './traffic.rules';

/** The last complete look at the media server, and the bytes counted over all looks. */
@Injectable()
export class SnapshotStore {
  private latest?: MediaSnapshot;
  private traffic: Traffic = { inboundBytes: 0, outboundBytes: 0 };

  put(snapshot: MediaSnapshot): void {
    this.traffic = addTraffic(this.traffic, this.latest?.sessions ?? [], snapshot.sessions);
    this.latest = snapshot;
  }

  get(): MediaSnapshot | undefined {
    return this.latest;
  }

  totals(): Traffic {
    return this.traffic;
  }
}

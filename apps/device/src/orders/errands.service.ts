import { Injectable } from '@nestjs/common';
import {
  ConfigureOrder,
  parseMessage,
  PlainOrder,
  SnapshotOrder,
  type ReplyCode,
  type RobotReply,
} from '@rovercast/contracts';
import { ConfigurationService } from '../configuration/configuration.service';
import { ProbeService } from '../probe/probe.service';
import { SnapshotService } from '../snapshot/snapshot.service';
import { StreamService } from '../stream/stream.service';

export type Word = Omit<RobotReply, 'bootId'>;

const ANSWERS_KEPT = 64;
const BUSY = { code: 'busy' as ReplyCode, retryAfterMs: 2_000 };

/** Orders beside the stream: each done once, however often it arrives. */
@Injectable()
export class ErrandsService {
  private readonly answers = new Map<string, Word>();

  constructor(
    private readonly snapshots: SnapshotService,
    private readonly probes: ProbeService,
    private readonly configuration: ConfigurationService,
    private readonly streams: StreamService,
  ) {}

  snapshot(payload: Buffer): Word {
    const order = parseMessage(SnapshotOrder, payload);
    return this.once(order.requestId, () => (this.snapshots.begin(order) ? { code: 'accepted' } : BUSY));
  }

  probe(payload: Buffer): Word {
    const { requestId } = parseMessage(PlainOrder, payload);
    return this.once(requestId, () => (this.probes.begin(requestId) ? { code: 'accepted' } : BUSY));
  }

  configure(payload: Buffer): Word {
    const { requestId, revision, config } = parseMessage(ConfigureOrder, payload);
    const { config: raw } = JSON.parse(payload.toString('utf8')) as { config: object };
    return this.once(requestId, () => {
      const [code, reason] = this.configuration.apply({ revision, raw, config }, this.streams.cameras);
      return { code, ...(reason && { reason }) };
    });
  }

  private once(requestId: string, act: () => Omit<Word, 'requestId'>): Word {
    const known = this.answers.get(requestId);
    if (known) return known;
    const word: Word = { requestId, ...act() };
    if (word.code !== 'busy') this.answers.set(requestId, word);
    const [oldest] = this.answers.keys();
    if (this.answers.size > ANSWERS_KEPT) this.answers.delete(oldest);
    return word;
  }
}

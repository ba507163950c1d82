import { Injectable } from '@nestjs/common';
import { requireRight } from '../access';
import { pageOf, timeOf } from '../page';
import type { PageQuery } from '../paging.dto';
import type { Caller } from '../session/caller';
import { StreamsService } from '../streams/streams.service';
import { UsersService } from '../users/users.service';
import type { ShareReference, ViewersQuery, WatchPage, WatchView } from './viewers.dto';
import { ViewersRepository, type Watch } from './viewers.repository';

/** The view log: who watched what, from when to when. */
@Injectable()
export class ViewersService {
  constructor(
    private readonly watches: ViewersRepository,
    private readonly streams: StreamsService,
    private readonly users: UsersService,
  ) {}

  /** Who watches a stream, or also who watched it. @throws DomainError NOT_FOUND, FORBIDDEN for who may only watch */
  async ofStream(caller: Caller, id: string, query: ViewersQuery): Promise<WatchPage> {
    const { path, requestedAt, endedAt } = await this.streams.get(caller, id);
    requireRight(caller, 'control', path, `stream ${id}`);
    const period = { path, from: requestedAt, to: endedAt, history: query.history };
    return this.page(query, (page) => this.watches.ofPeriod(period, page));
  }

  /** What a user watched. @throws DomainError NOT_FOUND */
  async ofUser(caller: Caller, userId: string, query: PageQuery): Promise<WatchPage> {
    const { username } = await this.users.find(caller, userId);
    return this.page(query, (page) => this.watches.ofUser(username, page));
  }

  private async page(
    query: PageQuery,
    load: (page: { limit: number; after: string | null }) => Promise<Watch[]>,
  ): Promise<WatchPage> {
    const { rows, nextCursor } = await pageOf(query, load, (watch) => watch.id);
    return { items: rows.map(watchView), nextCursor };
  }
}

/** The share link that let somebody in. */
export const shareOf = ({
  shareId,
  shareName,
}: {
  shareId: string | null;
  shareName: string | null;
}): ShareReference | null => (shareId === null ? null : { id: shareId, name: shareName ?? '' });

const watchView = (watch: Watch): WatchView => ({
  sessionId: watch.sessionId,
  path: watch.path,
  protocol: watch.protocol,
  principal: watch.principal,
  principalKind: watch.principalKind,
  share: shareOf(watch),
  address: watch.address,
  userAgent: watch.userAgent,
  startedAt: watch.startedAt.toISOString(),
  lastSeenAt: watch.lastSeenAt.toISOString(),
  endedAt: timeOf(watch.endedAt),
  endReason: watch.endReason,
  durationSeconds: Math.round(watch.durationSeconds),
  outboundBytes: watch.outboundBytes,
});

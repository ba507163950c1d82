import { Injectable } from '@nestjs/common';
import { DomainError } from '@rovercast/contracts';
import { audit, findRevocation, requestRevocation, type CutSession } from '@rovercast/directory';
import { DataSource } from 'typeorm';
import { may, requireRight } from '../access';
import { pageOf, timeOf } from '../page';
import type { PageQuery } from '../paging.dto';
import type { Caller } from '../session/caller';
import type { CutSessionView, MediaSessionPage, MediaSessionView, RevocationView } from './viewers.dto';
import { ViewersRepository, type MediaSession } from './viewers.repository';
import { shareOf } from './viewers.service';

/** Sessions on the media servers: seen and cut by who may control their path. */
@Injectable()
export class MediaSessionsService {
  constructor(
    private readonly database: DataSource,
    private readonly sessions: ViewersRepository,
  ) {}

  async list(caller: Caller, query: PageQuery): Promise<MediaSessionPage> {
    const { rows, nextCursor } = await pageOf(
      query,
      (page) => this.sessions.sessions(page),
      (session) => session.id,
      ({ path }) => may(caller, 'control', path),
    );
    return { items: rows.map(sessionView), nextCursor };
  }

  /**
   * Has one session cut; the monitor does it.
   * @returns the revocation's id
   * @throws DomainError NOT_FOUND, FORBIDDEN for who may only watch
   */
  async cut(caller: Caller, id: string): Promise<string> {
    const session = await this.sessions.session(id);
    if (!session) throw new DomainError('NOT_FOUND', `there is no session ${id}`);
    requireRight(caller, 'control', session.path, `session ${id}`);
    return this.database.transaction(async (tx) => {
      const { path, principal, protocol } = session;
      await audit(tx, {
        actor: caller.username,
        action: 'session.cut',
        target: path,
        details: { sessionId: id, principal, protocol },
      });
      return requestRevocation(tx, {
        kind: 'session',
        subject: session.id,
        reason: 'cut by hand',
        requestedBy: caller.username,
      });
    });
  }

  /** The receipt of a revocation, for admins and for who asked for it. @throws DomainError NOT_FOUND */
  async revocation(caller: Caller, id: string): Promise<RevocationView> {
    const found = await findRevocation(this.database, id);
    if (!found || (caller.role !== 'admin' && found.requestedBy !== caller.username))
      throw new DomainError('NOT_FOUND', `there is no revocation ${id}`);
    const { kind, subject, reason, requestedBy, requestedAt, verifiedAt, attempts, receipt } = found;
    return {
      id: found.id,
      kind,
      subject,
      reason,
      requestedBy,
      requestedAt: requestedAt.toISOString(),
      verifiedAt: timeOf(verifiedAt),
      verified: verifiedAt !== null,
      attempts,
      sessions: receipt.map(cutView),
    };
  }
}

const sessionView = (session: MediaSession): MediaSessionView => ({
  id: session.id,
  action: session.action,
  path: session.path,
  protocol: session.protocol,
  node: session.node,
  principal: session.principal,
  principalKind: session.principalKind,
  share: shareOf(session),
  address: session.address,
  userAgent: session.userAgent,
  startedAt: session.startedAt.toISOString(),
});

const cutView = (cut: CutSession): CutSessionView => ({
  sessionId: cut.sessionId,
  node: cut.node ?? null,
  protocol: cut.protocol ?? null,
  path: cut.path ?? null,
  principal: cut.principal ?? null,
  cutAfterMs: cut.cutAfterMs ?? null,
  verified: cut.verified ?? false,
});

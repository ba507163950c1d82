import { Injectable } from '@nestjs/common';
import { isInAddressRanges, Tokens } from '@rovercast/access';
import { DomainError } from '@rovercast/contracts';
import { badField, RIGHTS_FOR_TICKET, TicketFamilies, type TicketFamily } from '@rovercast/directory';
import { requireRight } from '../access';
import { GatewaySettings } from '../gateway.settings';
import { timeOf } from '../page';
import type { Caller } from '../session/caller';
import type { TicketView } from './streams.dto';
import { mediaBases, publisherUrls, viewerUrls, type MediaBases, type MediaUrls } from './stream-urls.rules';
import { ticketScope } from './ticket-scope.rules';
import { publisherCommands, viewerCommands } from './tool-commands.rules';

/** What somebody asks for; durations in seconds from now. */
export interface TicketRequest {
  path: string;
  /** What a refusal calls it. */
  what: string;
  action: 'read' | 'publish';
  expiresInSeconds: number;
  leaveInSeconds?: number;
  address?: string;
  name?: string;
  /** Whoever holds it may pass it on: a right that is bound to addresses cannot make it. */
  shared?: boolean;
}

/** Makes tickets, and the URLs and commands that hold them. */
@Injectable()
export class TicketsService {
  private readonly bases: MediaBases;

  constructor(
    private readonly tokens: Tokens,
    private readonly families: TicketFamilies,
    settings: GatewaySettings,
  ) {
    this.bases = mediaBases(settings);
  }

  /** A viewer ticket beside something else, of no family: nothing but its expiry ends it. */
  viewer(subject: string, path: string, expiresInSeconds: number): { urls: MediaUrls; expiresAt: string } {
    const expiresAt = Date.now() + expiresInSeconds * 1000;
    const ticket = this.tokens.signTicket({ subject, action: 'read', path, expiresAt });
    return { urls: viewerUrls(this.bases, path, ticket), expiresAt: new Date(expiresAt).toISOString() };
  }

  /**
   * A ticket of a new family, no wider and no longer than the caller's own right.
   * @throws DomainError NOT_FOUND, FORBIDDEN, INVALID_INPUT when it is bound to an address at which the right does not hold
   */
  async create(caller: Caller, request: TicketRequest): Promise<{ family: TicketFamily; view: TicketView }> {
    const { path, action, name } = request;
    const now = Date.now();
    const scope = ticketScope(caller, RIGHTS_FOR_TICKET[action], path, now);
    if (!scope) {
      requireRight(caller, action, path, request.what);
      throw new DomainError('FORBIDDEN', `you may not ${action} ${request.what}`);
    }
    const address = addressOf(caller, request, scope.onlyFrom);
    const expiresAt = Math.min(now + request.expiresInSeconds * 1000, scope.until);
    const leaveAt = Math.min(
      request.leaveInSeconds === undefined ? Infinity : now + request.leaveInSeconds * 1000,
      scope.until,
    );
    const family = await this.families.open(
      {
        path,
        action,
        name: name ?? '',
        expiresAt: new Date(expiresAt),
        leaveAt: leaveAt === Infinity ? null : new Date(leaveAt),
      },
      caller,
    );
    const ticket = this.tokens.signTicket({
      subject: caller.username,
      action,
      path,
      expiresAt,
      family: family.id,
      ...(leaveAt !== Infinity && { leaveAt }),
      ...(address !== undefined && { address }),
    });
    return { family, view: this.view(family, ticket, address) };
  }

  private view(family: TicketFamily, ticket: string, address: string | undefined): TicketView {
    const { id, path, action, expiresAt, leaveAt } = family;
    const [urls, commands] =
      action === 'read' ? [viewerUrls, viewerCommands] : [publisherUrls, publisherCommands];
    return {
      path,
      action,
      ticket,
      familyId: id,
      expiresAt: expiresAt.toISOString(),
      leaveAt: timeOf(leaveAt),
      address: address ?? null,
      urls: urls(this.bases, path, ticket),
      commands: commands(this.bases, path, ticket),
    };
  }
}

/** The address that a ticket is bound to, if any: where a right holds at some addresses only, its tickets do too. */
function addressOf(
  caller: Caller,
  { address, shared, what }: TicketRequest,
  onlyFrom: string[] | undefined,
): string | undefined {
  if (onlyFrom === undefined) return address;
  if (shared) throw new DomainError('FORBIDDEN', `your right to ${what} holds at some addresses only`);
  const bound = address ?? caller.address.replace(/^::ffff:(?=\d+\.)/i, '');
  if (!isInAddressRanges(bound, onlyFrom))
    throw badField('address', `address must be where your right holds: ${onlyFrom.join(', ')}`);
  return bound;
}

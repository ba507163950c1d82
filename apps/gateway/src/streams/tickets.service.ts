import { Injectable } from '@nestjs/common';
import { Tokens } from '@rovercast/access';
import { GatewaySettings } from '../gateway.settings';
import type { TicketView } from './streams.dto';
import { mediaBases, viewerUrls, type MediaBases } from './stream-urls.rules';

/** Makes viewer tickets and the URLs that hold them. */
@Injectable()
export class TicketsService {
  private readonly bases: MediaBases;

  constructor(
    private readonly tokens: Tokens,
    settings: GatewaySettings,
  ) {
    this.bases = mediaBases(settings);
  }

  viewer(subject: string, path: string, expiresInSeconds: number): TicketView {
    const expiresAt = Date.now() + expiresInSeconds * 1000;
    const ticket = this.tokens.signTicket({ subject, action: 'read', path, expiresAt });
    return {
      path,
      ticket,
      expiresAt: new Date(expiresAt).toISOString(),
      urls: viewerUrls(this.bases, path, ticket),
    };
  }
}

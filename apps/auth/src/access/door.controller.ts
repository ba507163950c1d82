import { Body, Controller, Headers, HttpCode, Param, Post, Res } from '@nestjs/common';
import { DomainError } from '@rovercast/contracts';
import type { FastifyReply } from 'fastify';
import { AuthSettings } from '../auth.settings';
import { DoorService } from './door.service';
import { requireHookSecret } from './hook.guard';

/** The media server that asks without a name. */
const MAIN_NODE = 'main';

/** A node's name, as it is written down with everybody whom it asked about. */
const NODE_NAME = /^[\w-]{1,64}$/;

const STATUS = { allow: 204, deny: 401, malformed: 400 } as const;

/** MediaMTX's `authHTTPAddress`. The body of a denial is constant: MediaMTX copies it into its log. */
@Controller('mediamtx')
export class DoorController {
  private readonly secrets: Map<string, string>;

  constructor(
    private readonly door: DoorService,
    private readonly settings: AuthSettings,
  ) {
    this.secrets = new Map(settings.mediaNodeSecrets.map((entry) => entry.split(':') as [string, string]));
  }

  @Post(['auth', 'auth/:node'])
  @HttpCode(204)
  async auth(
    @Headers('authorization') authorization: string | undefined,
    @Body() body: unknown,
    @Param('node') node: string = MAIN_NODE,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    if (!NODE_NAME.test(node)) throw new DomainError('NOT_FOUND', 'there is no such node');
    requireHookSecret(authorization, 'media', this.secrets.get(node) ?? this.settings.mediaHookSecret);
    const answer = await this.door.answer(body, node);
    void reply.status(STATUS[answer]).send(answer === 'allow' ? undefined : 'denied');
  }
}

import { Body, Controller, Headers, HttpCode, Param, Post, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { AuthSettings } from '../auth.settings';
import { DoorService } from './door.service';
import { requireHookSecret } from './hook.guard';

/** The media server that asks without a name. */
const MAIN_NODE = 'main';

const STATUS = { allow: 204, deny: 401, malformed: 400 } as const;

/** MediaMTX's `authHTTPAddress`. The body of a denial is constant: MediaMTX copies it into its log. */
@Controller('mediamtx')
export class DoorController {
  constructor(
    private readonly door: DoorService,
    private readonly settings: AuthSettings,
  ) {}

  @Post(['auth', 'auth/:node'])
  @HttpCode(204)
  async auth(
    @Headers('authorization') authorization: string | undefined,
    @Body() body: unknown,
    @Param('node') node: string | undefined,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    requireHookSecret(authorization, 'media', this.settings.mediaHookSecret);
    const answer = await this.door.answer(body, node ?? MAIN_NODE);
    void reply.status(STATUS[answer]).send(answer === 'allow' ? undefined : 'denied');
  }
}

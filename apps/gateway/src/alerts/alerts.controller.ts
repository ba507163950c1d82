import { Controller, Get, Param, Query } from '@nestjs/common';
import { EventPattern, Payload } from '@nestjs/microservices';
import { ApiBearerAuth, ApiOkResponse, ApiTags } from '@nestjs/swagger';
import { AlertEvent, parseMessage, topic } from '@rovercast/contracts';
import type { RobotMessage } from '@rovercast/mqtt';
import { senderOf } from '../fleet/sender';
import { CurrentCaller, type Caller } from '../session/caller';
import { AlertPage, AlertPageQuery, AlertView } from './alerts.dto';
import type { Alert } from './alerts.repository';
import { AlertsService } from './alerts.service';

@ApiTags('alerts')
@ApiBearerAuth()
@Controller('v1')
export class AlertsController {
  constructor(private readonly alerts: AlertsService) {}

  /** What robots saw or heard, as far as you may watch their cameras. */
  @Get('alerts')
  @ApiOkResponse({ type: AlertPage })
  async list(@CurrentCaller() caller: Caller, @Query() page: AlertPageQuery): Promise<AlertPage> {
    return view(await this.alerts.list(caller, page));
  }

  /** What one robot saw or heard. */
  @Get('robots/:id/alerts')
  @ApiOkResponse({ type: AlertPage })
  async listOfRobot(
    @CurrentCaller() caller: Caller,
    @Param('id') id: string,
    @Query() page: AlertPageQuery,
  ): Promise<AlertPage> {
    return view(await this.alerts.list(caller, page, id));
  }
}

/** Robots raise alerts. */
@Controller()
export class AlertEvents {
  constructor(private readonly alerts: AlertsService) {}

  @EventPattern(topic('evt', { kind: 'alert' }))
  async raised(@Payload() data: object): Promise<void> {
    const message = data as RobotMessage;
    await this.alerts.raised(senderOf(message), parseMessage(AlertEvent, message.payload));
  }
}

function view({ rows, nextCursor }: { rows: Alert[]; nextCursor: string | null }): AlertPage {
  return { items: rows.map(alertView), nextCursor };
}

function alertView(alert: Alert): AlertView {
  const {
    id,
    robotId,
    alertId,
    camera,
    kind,
    confidence,
    happenedAt,
    receivedAt,
    outcome,
    detail,
    streamId,
  } = alert;
  return {
    id,
    robotId,
    alertId,
    camera,
    kind,
    confidence,
    happenedAt: happenedAt.toISOString(),
    receivedAt: receivedAt.toISOString(),
    outcome,
    detail,
    streamId,
  };
}

import { Body, Controller, HttpCode, Post, Req } from '@nestjs/common';
import { ALERT_KINDS, DomainError, ID_PATTERN, type AlertEvent, type AlertKind } from '@rovercast/contracts';
import { IsIn, IsNumber, IsOptional, Matches, Max, Min } from 'class-validator';
import { AlertsService } from './alerts.service';

/** What detection software on the robot says. */
class AlertInput {
  @IsIn(ALERT_KINDS)
  kind: AlertKind;

  /** 0 to 1. */
  @IsNumber()
  @Min(0)
  @Max(1)
  confidence: number = 1;

  /** The first camera by default. */
  @IsOptional()
  @Matches(ID_PATTERN)
  camera?: string;
}

const LOOPBACK = /^(127\.|::1$|::ffff:127\.)/;

/** For software on the robot itself; whoever is not on this machine is refused, wherever the agent listens. */
@Controller('alerts')
export class AlertsController {
  constructor(private readonly alerts: AlertsService) {}

  @Post()
  @HttpCode(202)
  raise(@Body() input: AlertInput, @Req() { ip }: { ip: string }): AlertEvent {
    if (!LOOPBACK.test(ip)) throw new DomainError('FORBIDDEN', 'alerts are raised on the robot itself');
    return this.alerts.raise(input);
  }
}

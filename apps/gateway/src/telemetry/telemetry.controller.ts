import { Controller, Get, Param } from '@nestjs/common';
import { EventPattern, Payload } from '@nestjs/microservices';
import { ApiBearerAuth, ApiOkResponse, ApiTags } from '@nestjs/swagger';
import { parseMessage, TelemetryEvent, topic } from '@rovercast/contracts';
import type { RobotMessage } from '@rovercast/mqtt';
import { senderOf } from '../fleet/sender';
import { RobotsService } from '../robots/robots.service';
import { CurrentCaller, type Caller } from '../session/caller';
import { TelemetryView } from './telemetry.dto';
import { TelemetryStore } from './telemetry.store';

@ApiTags('robots')
@ApiBearerAuth()
@Controller('v1/robots/:id/telemetry')
export class TelemetryController {
  constructor(
    private readonly robots: RobotsService,
    private readonly telemetry: TelemetryStore,
  ) {}

  /** How the robot was lately: load, memory, temperature, encoders. */
  @Get()
  @ApiOkResponse({ type: TelemetryView })
  async latest(@CurrentCaller() caller: Caller, @Param('id') id: string): Promise<TelemetryView> {
    const robot = await this.robots.find(caller, id);
    return { robotId: robot.id, items: this.telemetry.of(robot.id) };
  }
}

/** What robots say about themselves; every gateway process hears all of it. */
@Controller()
export class TelemetryEvents {
  constructor(private readonly telemetry: TelemetryStore) {}

  @EventPattern(topic('evt', { kind: 'telemetry' }), { shared: false })
  heard(@Payload() data: object): void {
    const message = data as RobotMessage;
    this.telemetry.heard(senderOf(message), parseMessage(TelemetryEvent, message.payload), new Date());
  }
}

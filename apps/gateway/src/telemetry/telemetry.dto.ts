import { ApiProperty } from '@nestjs/swagger';
import { TelemetryEvent } from '@rovercast/contracts';

export class TelemetrySample extends TelemetryEvent {
  /** When it came in, by the gateway's clock. */
  @ApiProperty({ format: 'date-time' })
  receivedAt: string;
}

export class TelemetryView {
  @ApiProperty({ example: 'r1' })
  robotId: string;

  /** Newest last; those of the last hour or so that this gateway process heard. */
  @ApiProperty({ type: [TelemetrySample] })
  items: TelemetrySample[];
}

import { ApiProperty } from '@nestjs/swagger';
import { IsString, MaxLength, MinLength } from 'class-validator';

export class EnrolmentView {
  /** For `rovercast-device enroll --code`, or `POST /v1/enroll`; good once. */
  @ApiProperty({ example: 'K7QM-3XAD' })
  code: string;

  @ApiProperty({ format: 'date-time' })
  expiresAt: string;
}

export class EnrollRequest {
  /** As `POST /v1/robots` answered it; dashes, blanks and small letters make no difference. */
  @ApiProperty({ example: 'K7QM-3XAD' })
  @IsString()
  @MinLength(1)
  @MaxLength(32)
  code: string;
}

export class EnrolledRobot {
  @ApiProperty({ example: 'r1' })
  robotId: string;

  /** Ready for the agent's `.env`, with the new key; keep it 0600. */
  @ApiProperty({
    example: 'ROBOT_ID=r1\nROBOT_KEY=rk_…\nMQTT_URL=mqtts://broker.example.org:8883\nMQTT_VERSION=5\n',
  })
  dotenv: string;
}

export class DeliveredKey {
  @ApiProperty({ example: 'r1' })
  robotId: string;

  /** Until when the older keys go on working. */
  @ApiProperty({ format: 'date-time' })
  olderKeysUntil: string;
}

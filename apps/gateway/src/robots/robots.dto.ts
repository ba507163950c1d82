import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { ID_PATTERN } from '@rovercast/contracts';
import { ROBOT_KINDS, type RobotKind } from '@rovercast/database';
import {
  ArrayMaxSize,
  ArrayMinSize,
  IsArray,
  IsBoolean,
  IsIn,
  IsOptional,
  IsString,
  Length,
  Matches,
} from 'class-validator';
import { EnrolmentView } from '../enrolment/enrolment.dto';

export class CreateRobot {
  /** Name on the wire: letters, digits, `_` and `-`. */
  @ApiProperty({ example: 'r1' })
  @Matches(ID_PATTERN)
  id: string;

  /** For people. */
  @ApiPropertyOptional({ example: 'Rover in the garden' })
  @IsOptional()
  @IsString()
  @Length(1, 128)
  name?: string;

  /** `legacy` obeys bare `start` and `stop` on its own topic. */
  @ApiPropertyOptional({ enum: ROBOT_KINDS, example: 'agent' })
  @IsOptional()
  @IsIn(ROBOT_KINDS)
  kind?: RobotKind;

  /** `main` streams to `robots/<id>`, any other to `robots/<id>/<camera>`. */
  @ApiPropertyOptional({ example: ['main'] })
  @IsOptional()
  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(16)
  @Matches(ID_PATTERN, { each: true })
  cameras?: string[];

  /** For a robot of kind legacy. */
  @ApiPropertyOptional({ example: 'robot/stream' })
  @IsOptional()
  @IsString()
  @Length(1, 128)
  legacyTopic?: string;
}

export class UpdateRobot {
  @ApiPropertyOptional({ example: 'Rover in the garden' })
  @IsOptional()
  @IsString()
  @Length(1, 128)
  name?: string;

  @ApiPropertyOptional({ example: ['main', 'rear'] })
  @IsOptional()
  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(16)
  @Matches(ID_PATTERN, { each: true })
  cameras?: string[];

  /** A disabled robot can neither connect nor publish. */
  @ApiPropertyOptional({ example: false })
  @IsOptional()
  @IsBoolean()
  disabled?: boolean;
}

export class RobotView {
  @ApiProperty({ example: 'r1' })
  id: string;

  @ApiProperty({ example: 'Rover in the garden' })
  name: string;

  @ApiProperty({ enum: ROBOT_KINDS })
  kind: RobotKind;

  @ApiProperty({ example: ['main'] })
  cameras: string[];

  /** Whether the robot's agent is connected; null for one of kind legacy, which cannot tell. */
  @ApiProperty({ type: Boolean, nullable: true, example: true })
  online: boolean | null;

  @ApiProperty()
  disabled: boolean;

  @ApiProperty({ type: String, nullable: true, format: 'date-time' })
  lastSeenAt: string | null;

  @ApiProperty({ format: 'date-time' })
  createdAt: string;
}

export class RobotPage {
  @ApiProperty({ type: [RobotView] })
  items: RobotView[];

  /** Pass it as `cursor` to get the next page; null on the last one. */
  @ApiProperty({ type: String, nullable: true })
  nextCursor: string | null;
}

export class CreatedRobot extends RobotView {
  /** Broker password and publish key; shown this once. */
  @ApiProperty({ example: 'rk_3q2-7wAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA' })
  key: string;

  /** Ready for the agent's `.env`. */
  @ApiProperty({ example: 'ROBOT_ID=r1\nROBOT_KEY=rk_…\nMQTT_URL=mqtt://broker.example.org:1883\n' })
  dotenv: string;

  /** What enrols it without anybody copying a key; null for one of kind legacy. Registration answers it, and nothing else. */
  @ApiPropertyOptional({ type: EnrolmentView, nullable: true })
  enrolment?: EnrolmentView | null;
}

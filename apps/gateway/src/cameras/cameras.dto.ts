import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { ID_PATTERN } from '@rovercast/contracts';
import { IsOptional, IsString, Length, Matches, ValidateIf } from 'class-validator';
import { SOURCE_MAX_CHARS } from './source.rules';

export class CreateCamera {
  /** Name on the wire: letters, digits, `_` and `-`. Its path is `cameras/<id>`. */
  @ApiProperty({ example: 'dubai_police_007' })
  @Matches(ID_PATTERN)
  id: string;

  /** For people. */
  @ApiPropertyOptional({ example: 'Gate 7' })
  @IsOptional()
  @IsString()
  @Length(1, 128)
  name?: string;

  /** For people: what it is listed under. Limits go by its path. */
  @ApiPropertyOptional({ example: 'police' })
  @IsOptional()
  @IsString()
  @Length(1, 64)
  group?: string;

  /** What is pulled while somebody watches: an rtsp, rtsps, srt or HLS (http, https) URL, with its credentials. */
  @ApiProperty({ example: 'rtsp://user:password@vms.example.org:554/camera/7' })
  @IsString()
  @Length(1, SOURCE_MAX_CHARS)
  source: string;
}

export class UpdateCamera {
  @ApiPropertyOptional({ example: 'Gate 7, north' })
  @IsOptional()
  @IsString()
  @Length(1, 128)
  name?: string;

  /** Null takes it out of its group. */
  @ApiPropertyOptional({ type: String, nullable: true, example: 'police' })
  @ValidateIf(({ group }: UpdateCamera) => group !== undefined && group !== null)
  @IsString()
  @Length(1, 64)
  group?: string | null;

  /** Whoever watches is cut off when it changes. */
  @ApiPropertyOptional({ example: 'rtsp://user:password@vms.example.org:554/camera/7' })
  @IsOptional()
  @IsString()
  @Length(1, SOURCE_MAX_CHARS)
  source?: string;
}

export class CameraView {
  @ApiProperty({ example: 'dubai_police_007' })
  id: string;

  @ApiProperty({ example: 'Gate 7' })
  name: string;

  @ApiProperty({ type: String, nullable: true, example: 'police' })
  group: string | null;

  @ApiProperty({ example: 'cameras/dubai_police_007' })
  path: string;

  /** Credentials masked; null for who may only watch. */
  @ApiProperty({ type: String, nullable: true, example: 'rtsp://user:***@vms.example.org:554/camera/7' })
  source: string | null;

  /** Who watches now; null when the monitor cannot tell. */
  @ApiProperty({ type: Number, nullable: true, example: 2 })
  viewers: number | null;

  @ApiProperty({ format: 'date-time' })
  createdAt: string;
}

export class CameraPage {
  @ApiProperty({ type: [CameraView] })
  items: CameraView[];

  @ApiProperty({ type: String, nullable: true })
  nextCursor: string | null;
}

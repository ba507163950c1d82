import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { ID_PATTERN, MAIN_CAMERA } from '@rovercast/contracts';
import { IsIn, IsOptional, Matches } from 'class-validator';

export const SNAPSHOT_WAITS = ['none', 'upload'] as const;

export class TakeQuery {
  /** Which camera of the robot. */
  @ApiPropertyOptional({ example: MAIN_CAMERA })
  @IsOptional()
  @Matches(ID_PATTERN)
  camera: string = MAIN_CAMERA;

  /** Wait for the picture (10 s at most) and answer it, or answer at once where it will be. */
  @ApiPropertyOptional({ enum: SNAPSHOT_WAITS, example: 'upload' })
  @IsOptional()
  @IsIn(SNAPSHOT_WAITS)
  wait: (typeof SNAPSHOT_WAITS)[number] = 'upload';
}

export class SnapshotListQuery {
  /** Of this camera alone. */
  @ApiPropertyOptional({ example: MAIN_CAMERA })
  @IsOptional()
  @Matches(ID_PATTERN)
  camera?: string;
}

export class SnapshotView {
  @ApiProperty({ format: 'uuid' })
  id: string;

  @ApiProperty({ example: 'r1' })
  robotId: string;

  @ApiProperty({ example: MAIN_CAMERA })
  camera: string;

  /** User who asked for it. */
  @ApiProperty({ example: 'admin' })
  requestedBy: string;

  @ApiProperty({ format: 'date-time' })
  requestedAt: string;

  /** When it arrived; null while it is awaited. */
  @ApiProperty({ type: String, nullable: true, format: 'date-time' })
  takenAt: string | null;

  /** Size of the JPEG; null while it is awaited. */
  @ApiProperty({ type: Number, nullable: true, example: 48_211 })
  sizeBytes: number | null;

  /** Where the picture is. */
  @ApiProperty({ example: 'https://rovercast.example.org/v1/snapshots/4f1c…' })
  url: string;
}

export class SnapshotList {
  /** Newest first; at most ten of each camera are kept. */
  @ApiProperty({ type: [SnapshotView] })
  items: SnapshotView[];
}

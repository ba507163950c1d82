import { ApiProperty } from '@nestjs/swagger';
import { IsString, MaxLength } from 'class-validator';
import { ROLES, type Role } from '@rovercast/database';

export class LoginRequest {
  @ApiProperty({ example: 'viewer' })
  @IsString()
  @MaxLength(128)
  username: string;

  @ApiProperty({ example: 'correct horse battery staple' })
  @IsString()
  @MaxLength(256)
  password: string;
}

export class RefreshRequest {
  /** The newest refresh token; each works once. */
  @ApiProperty({ example: 'rt_3q2-7wAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA' })
  @IsString()
  @MaxLength(128)
  refreshToken: string;
}

export class SessionTokens {
  /** Send it as `Authorization: Bearer …`. */
  @ApiProperty({ example: 'eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCIsImtpZCI6…' })
  accessToken: string;

  /** Life of the access token. */
  @ApiProperty({ example: 600 })
  expiresInSeconds: number;

  /** Gets the next pair of tokens, once. */
  @ApiProperty({ example: 'rt_3q2-7wAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA' })
  refreshToken: string;
}

export class GrantView {
  @ApiProperty({ example: 'read' })
  action: string;

  /** Whole path segments; `*` is one segment, `**` at the end is the rest. */
  @ApiProperty({ example: 'robots/r1/**' })
  pattern: string;

  /** RFC 3339, or null: for good. */
  @ApiProperty({ type: String, nullable: true, example: null })
  expiresAt: string | null;
}

export class Me {
  @ApiProperty({ format: 'uuid' })
  id: string;

  @ApiProperty({ example: 'viewer' })
  username: string;

  @ApiProperty({ enum: ROLES })
  role: Role;

  @ApiProperty({ type: [GrantView] })
  grants: GrantView[];
}

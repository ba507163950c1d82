import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { PASSWORD_MAX_CHARS, PASSWORD_MIN_CHARS } from '@rovercast/access';
import { ROLES, type Role } from '@rovercast/database';
import { IsBoolean, IsIn, IsString, Length, Matches, MaxLength } from 'class-validator';
import { IfGiven, Paged } from '../page';

const USERNAME = /^[A-Za-z0-9][A-Za-z0-9_.@-]{0,63}$/;
const USERNAME_MESSAGE = '$property must be 1 to 64 letters, digits or any of _ . @ -';

export class CreateUser {
  /** Letters, digits and `_ . @ -`; no colon, because media protocols part name and password by one. */
  @ApiProperty({ example: 'ada' })
  @Matches(USERNAME, { message: USERNAME_MESSAGE })
  username: string;

  /** Left out: the user has stream keys only and cannot log in. */
  @ApiPropertyOptional({ example: 'correct horse battery staple' })
  @IfGiven()
  @IsString()
  @Length(PASSWORD_MIN_CHARS, PASSWORD_MAX_CHARS)
  password?: string;

  /** An `admin` may do everything; all others what they are granted. `operator` may register robots. */
  @ApiProperty({ enum: ROLES, example: 'viewer' })
  @IsIn(ROLES)
  role: Role;
}

export class UpdateUser {
  /** A renamed user's sessions are cut, and its tickets in circulation keep the old name. */
  @ApiPropertyOptional({ example: 'ada.l' })
  @IfGiven()
  @Matches(USERNAME, { message: USERNAME_MESSAGE })
  username?: string;

  @ApiPropertyOptional({ enum: ROLES, example: 'operator' })
  @IfGiven()
  @IsIn(ROLES)
  role?: Role;

  /** A disabled user can do nothing, and its sessions are cut within seconds. */
  @ApiPropertyOptional({ example: false })
  @IfGiven()
  @IsBoolean()
  disabled?: boolean;

  /** A new password; it ends all logins. */
  @ApiPropertyOptional({ example: 'correct horse battery staple' })
  @IfGiven()
  @IsString()
  @Length(PASSWORD_MIN_CHARS, PASSWORD_MAX_CHARS)
  password?: string;

  /** Needed by whoever changes its own password. */
  @ApiPropertyOptional({ example: 'the password until now' })
  @IfGiven()
  @IsString()
  @MaxLength(PASSWORD_MAX_CHARS)
  oldPassword?: string;
}

export class RevokeUser {
  /** For the audit log and the receipt. */
  @ApiPropertyOptional({ example: 'phone was stolen' })
  @IfGiven()
  @IsString()
  @Length(1, 200)
  reason: string = 'revoked by hand';
}

export class UserView {
  @ApiProperty({ format: 'uuid' })
  id: string;

  @ApiProperty({ example: 'ada' })
  username: string;

  @ApiProperty({ enum: ROLES })
  role: Role;

  @ApiProperty({ example: false })
  disabled: boolean;

  @ApiProperty({ type: String, nullable: true, format: 'date-time' })
  disabledAt: string | null;

  @ApiProperty({ format: 'date-time' })
  createdAt: string;
}

export class UpdatedUser extends UserView {
  /** Set when sessions are being cut; `GET /v1/revocations/{id}` has the receipt. */
  @ApiProperty({ type: String, nullable: true, format: 'uuid' })
  revocationId: string | null;
}

export class UserPage extends Paged {
  @ApiProperty({ type: [UserView] })
  items: UserView[];
}

export class RevocationStarted {
  /** `GET /v1/revocations/{id}` tells which sessions were cut, and when. */
  @ApiProperty({ format: 'uuid' })
  revocationId: string;
}

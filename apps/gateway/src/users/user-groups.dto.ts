import { ApiProperty } from '@nestjs/swagger';
import { Matches } from 'class-validator';
import { Paged } from '../page';

export class CreateUserGroup {
  /** Letters, digits and `_ . @ -`. */
  @ApiProperty({ example: 'night-shift' })
  @Matches(/^[A-Za-z0-9][A-Za-z0-9_.@-]{0,63}$/, {
    message: '$property must be 1 to 64 letters, digits or any of _ . @ -',
  })
  name: string;
}

export class UserGroupView {
  @ApiProperty({ format: 'uuid' })
  id: string;

  @ApiProperty({ example: 'night-shift' })
  name: string;

  /** How many users are in it. */
  @ApiProperty({ example: 12 })
  members: number;

  @ApiProperty({ format: 'date-time' })
  createdAt: string;
}

export class UserGroupPage extends Paged {
  @ApiProperty({ type: [UserGroupView] })
  items: UserGroupView[];
}

export class RevocationsStarted {
  /** One for each grant that the group had. */
  @ApiProperty({ type: [String], format: 'uuid' })
  revocationIds: string[];
}

import { ApiProperty } from '@nestjs/swagger';

export class LegacyAnswer {
  @ApiProperty({ example: 'Published start' })
  msg: string;
}

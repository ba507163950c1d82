import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsOptional, IsString, Length } from 'class-validator';
import { IsTime, Paged } from '../page';

export class CreateKey {
  /** For people: where the key is used. */
  @ApiProperty({ example: 'studio OBS' })
  @IsString()
  @Length(1, 64)
  name: string;

  /** RFC 3339; left out: until it is revoked. */
  @ApiPropertyOptional({ type: String, nullable: true, example: '2030-01-01T00:00:00Z' })
  @IsOptional()
  @IsTime()
  expiresAt?: string | null;
}

export class KeyView {
  @ApiProperty({ format: 'uuid' })
  id: string;

  @ApiProperty({ example: 'studio OBS' })
  name: string;

  @ApiProperty({ type: String, nullable: true, format: 'date-time' })
  expiresAt: string | null;

  @ApiProperty({ format: 'date-time' })
  createdAt: string;
}

export class CreatedKey extends KeyView {
  /** Works as the password (or alone as `token`) in every media URL of its user; shown this once. */
  @ApiProperty({ example: 'sk_3q2-7wAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA' })
  key: string;
}

export class KeyPage extends Paged {
  @ApiProperty({ type: [KeyView] })
  items: KeyView[];
}

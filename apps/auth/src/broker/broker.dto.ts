import { IsIn, IsOptional, IsString, MaxLength } from 'class-validator';

export class AuthnRequest {
  @IsString()
  @MaxLength(128)
  username: string;

  @IsString()
  @MaxLength(1024)
  password: string;

  @IsOptional()
  @IsString()
  @MaxLength(256)
  clientid?: string;

  @IsOptional()
  @IsString()
  @MaxLength(64)
  peerhost?: string;
}

export class AuthzRequest {
  @IsString()
  @MaxLength(128)
  username: string;

  @IsString()
  @MaxLength(512)
  topic: string;

  @IsIn(['publish', 'subscribe'])
  action: 'publish' | 'subscribe';

  @IsOptional()
  @IsString()
  @MaxLength(256)
  clientid?: string;
}

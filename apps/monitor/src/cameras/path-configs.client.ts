import { Injectable } from '@nestjs/common';
import { parseAs } from '@rovercast/contracts';
import { Type } from 'class-transformer';
import { IsArray, IsBoolean, IsInt, IsString, ValidateNested } from 'class-validator';
import { MonitorSettings } from '../monitor.settings';
import type { PulledPath } from './repair.rules';

class PathConfig implements PulledPath {
  @IsString()
  name: string;

  @IsString()
  source: string;

  @IsBoolean()
  sourceOnDemand: boolean;

  @IsString()
  sourceOnDemandCloseAfter: string;

  @IsString()
  rtspTransport: string;
}

class PathConfigList {
  @IsInt()
  itemCount: number;

  @IsArray()
  @ValidateNested({ each: true })
  @Type(() => PathConfig)
  items: PathConfig[];
}

const TIMEOUT_MS = 5_000;

/** Reads which paths the media server is configured with. */
@Injectable()
export class PathConfigsClient {
  private readonly url: URL;
  private readonly headers: Record<string, string> = {};

  constructor({ mediamtxApiUrl }: MonitorSettings) {
    this.url = new URL(`${mediamtxApiUrl.replace(/\/+$/, '')}/v3/config/paths/list?itemsPerPage=1000000`);
    const { username, password } = this.url;
    if (username || password) {
      const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
      this.headers.authorization = `Basic ${Buffer.from(pair).toString('base64')}`;
    }
    this.url.username = '';
    this.url.password = '';
  }

  /** All of them by name, from one moment. @throws Error without the answer's text: it holds sources with credentials */
  async list(): Promise<Map<string, PulledPath>> {
    const response = await fetch(this.url, {
      headers: this.headers,
      redirect: 'manual',
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    if (!response.ok) throw new Error(`the list of configured paths was refused with ${response.status}`);
    const { itemCount, items } = await readList(response);
    if (itemCount !== items.length) throw new Error('the list of configured paths is not complete');
    return new Map(items.map(({ name, ...config }) => [name, config]));
  }
}

async function readList(response: Response): Promise<PathConfigList> {
  try {
    return parseAs(PathConfigList, await response.json());
  } catch {
    throw new Error('the list of configured paths cannot be read');
  }
}

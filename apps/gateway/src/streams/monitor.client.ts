import { Injectable } from '@nestjs/common';
import { IsArray, IsInt, IsOptional, IsString, ValidateNested } from 'class-validator';
import { Type } from 'class-transformer';
import { parseAs } from '@rovercast/contracts';
import { GatewaySettings } from '../gateway.settings';

class SnapshotPath {
  @IsString()
  name: string;

  @IsInt()
  viewers: number;
}

class MonitorSnapshot {
  @IsOptional()
  @IsString()
  takenAt: string | null;

  @IsArray()
  @ValidateNested({ each: true })
  @Type(() => SnapshotPath)
  paths: SnapshotPath[];
}

const TIMEOUT_MS = 500;

/** What the monitor saw last; its absence costs the viewer counts and nothing else. */
@Injectable()
export class MonitorClient {
  constructor(private readonly settings: GatewaySettings) {}

  /** Viewers by path, or undefined when the monitor does not answer or has not seen anything yet. */
  async viewersByPath(): Promise<Map<string, number> | undefined> {
    try {
      const response = await fetch(new URL('/snapshot', this.settings.monitorUrl), {
        headers: { authorization: `Bearer ${this.settings.monitorToken}` },
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
      if (!response.ok) return undefined;
      const snapshot = parseAs(MonitorSnapshot, await response.json());
      if (snapshot.takenAt === null) return undefined;
      return new Map(snapshot.paths.map(({ name, viewers }) => [name, viewers]));
    } catch {
      return undefined;
    }
  }
}

import { Injectable } from '@nestjs/common';
import { WAKE_CHANNEL, type WakeRequest } from '@rovercast/contracts';
import { DataSource } from 'typeorm';

/** Tells the gateways through Postgres that somebody waits for a robot. */
@Injectable()
export class WakePublisher {
  constructor(private readonly database: DataSource) {}

  async publish(request: WakeRequest): Promise<void> {
    await this.database.query('SELECT pg_notify($1, $2)', [WAKE_CHANNEL, JSON.stringify(request)]);
  }
}

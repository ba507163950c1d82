import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What Mosquitto's password file needs of a robot's key. */
export class BrokerVerifier1700000000006 implements MigrationInterface {
  name = 'BrokerVerifier1700000000006';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE stream_keys ADD COLUMN broker_verifier text');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE stream_keys DROP COLUMN broker_verifier');
  }
}

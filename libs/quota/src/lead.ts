import { Client } from 'pg';

const LOCK = 7246174;

/** That this process is the one reconciler: an advisory lock on a connection of its own, and an epoch that the database checks. */
export interface Lead {
  epoch: number;
  /** False once the connection has gone; the epoch refuses what is written after the next leader has come. */
  held(): boolean;
  /** Gives the lead up. */
  release(): Promise<void>;
}

/**
 * Takes the lead if nobody has it. Connects directly: a pooler in transaction mode would lose the lock.
 * @param holder shown in `reconciler_leader`
 */
export async function takeLead(options: { url: string; holder: string }): Promise<Lead | undefined> {
  const client = new Client({
    connectionString: options.url,
    application_name: `${options.holder}-lead`,
    connectionTimeoutMillis: 2_000,
    query_timeout: 5_000,
    keepAlive: true,
    keepAliveInitialDelayMillis: 5_000,
  });
  let held = true;
  const lose = (): void => void (held = false);
  client.on('error', lose);
  client.on('end', lose);
  const release = async (): Promise<void> => {
    lose();
    await client.end().catch(() => undefined);
  };
  try {
    await client.connect();
    const { rows } = await client.query<{ free: boolean }>('SELECT pg_try_advisory_lock($1) AS free', [LOCK]);
    if (!rows[0].free) return void (await release());
    const taken = await client.query<{ epoch: number }>('SELECT take_lead($1)::float8 AS epoch', [
      options.holder,
    ]);
    return { epoch: taken.rows[0].epoch, held: () => held, release };
  } catch (error) {
    await release();
    throw error;
  }
}

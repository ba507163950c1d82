import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PASSWORD_MAX_CHARS, PasswordPool, PasswordPoolFull } from './passwords';

describe('PasswordPool', () => {
  let pool: PasswordPool;
  let hash: string;

  beforeAll(async () => {
    pool = new PasswordPool(1, 5);
    hash = await pool.hash('correct horse');
  });
  afterAll(() => pool.close());

  it('hashes with argon2id at OWASP’s parameters and a salt of its own', async () => {
    expect(hash).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$[\w+/]{22,}\$[\w+/]{43}$/);
    expect(await pool.hash('correct horse')).not.toBe(hash);
  });

  it.each([
    ['correct horse', true],
    ['correct horsf', false],
    ['Correct horse', false],
    ['correct horse ', false],
    ['correct horse\0', false],
    ['', false],
  ])('%j belongs to the hash: %s', async (password, expected) => {
    expect(await pool.verify(hash, password)).toBe(expected);
  });

  it('says no for nobody, after the same work', async () => {
    expect(await pool.verify(null, 'correct horse')).toBe(false);
    const nobody = /'(\$argon2id\$[^']+)'/.exec(
      readFileSync(join(__dirname, 'passwords.ts'), 'utf8'),
    )?.[1] as string;
    const cost = (text: string): string => text.split('$').slice(0, 4).join('$');
    expect(cost(nobody)).toBe(cost(hash));
    expect(nobody).toHaveLength(hash.length);
    expect(await pool.verify(nobody, 'correct horse')).toBe(false);
  });

  it('computes nothing for a password of more characters than any has', async () => {
    const verified = pool.verify(hash, 'x'.repeat(PASSWORD_MAX_CHARS + 1));
    expect(pool.waiting).toBe(0);
    expect(await verified).toBe(false);
  });

  it('fails for a hash that is none, and goes on', async () => {
    await expect(pool.verify('$2b$10$bcrypt', 'x')).rejects.toThrow('password check failed');
    await expect(pool.verify('', 'x')).rejects.toThrow('password check failed');
    expect(await pool.verify(hash, 'correct horse')).toBe(true);
  });

  it('does not repeat a password in its error', async () => {
    const error = await pool.verify('nonsense', 'CANARY-1').catch((thrown: Error) => thrown);
    expect(String(error)).not.toContain('CANARY-1');
  });

  it('refuses what is more than its queue holds, at once, and answers the rest', async () => {
    const all = await Promise.allSettled(Array.from({ length: 8 }, () => pool.verify(hash, 'correct horse')));
    const refused = all.filter((one) => one.status === 'rejected');
    expect(refused.map((one) => one.reason as unknown)).toEqual(
      refused.map(() => expect.any(PasswordPoolFull)),
    );
    // One runs, five wait.
    expect(refused).toHaveLength(2);
    expect(pool.waiting).toBe(0);
  });
});

describe('closing a PasswordPool', () => {
  it('refuses what waits, what runs and what comes', async () => {
    const pool = new PasswordPool(1, 5);
    const running = pool.hash('12345678');
    const waiting = pool.hash('12345678');
    const settled = Promise.allSettled([running, waiting]);
    await pool.close();
    const refused = { status: 'rejected', reason: expect.any(PasswordPoolFull) };
    expect(await settled).toEqual([refused, refused]);
    await expect(pool.hash('12345678')).rejects.toThrow(PasswordPoolFull);
    await pool.close();
  });

  it('works for one that never did anything', async () => {
    await new PasswordPool().close();
  });
});

describe('a PasswordPool whose thread dies', () => {
  it('fails that check and hires another', async () => {
    const pool = new PasswordPool(1, 5);
    const checks = Promise.allSettled([pool.hash('12345678'), pool.hash('12345678')]);
    const { running } = pool as unknown as { running: Map<{ terminate(): Promise<number> }, unknown> };
    await [...running.keys()][0].terminate();
    expect((await checks).map(({ status }) => status)).toEqual(['rejected', 'fulfilled']);
    await pool.close();
  });

  it('does not give work to a thread that died while it was idle', async () => {
    const pool = new PasswordPool(1, 5);
    await pool.hash('12345678');
    const { idle } = pool as unknown as { idle: { terminate(): Promise<number> }[] };
    await idle[0].terminate();
    expect(await pool.hash('12345678')).toContain('$argon2id$');
    await pool.close();
  });
});

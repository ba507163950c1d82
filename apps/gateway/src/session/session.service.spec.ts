import { Logger } from '@nestjs/common';
import { deriveKeys, Tokens } from '@rovercast/access';
import type { DomainError } from '@rovercast/contracts';
import { SessionService } from './session.service';

const KEYS = deriveKeys('k'.repeat(32));
const OWNER = '192.0.2.7';
const THIEF = '203.0.113.66';

describe('a login', () => {
  const written: unknown[] = [];
  let sessions: SessionService;

  beforeAll(() => {
    const write = (line: unknown): void => void written.push(line);
    Logger.overrideLogger({ log: write, warn: write, error: write });
  });
  afterAll(() => Logger.overrideLogger(new Logger()));
  beforeEach(() => {
    const account = { id: 'u', username: 'eve', role: 'viewer', passwordHash: 'right', disabledAt: null };
    sessions = new SessionService(
      {
        accountNamed: (name: string) => Promise.resolve(name === 'eve' ? account : undefined),
      } as never,
      {
        verify: (hash: string | null, given: string) => Promise.resolve(hash === given),
      } as never,
      new Tokens([KEYS]),
      { add: () => Promise.resolve() } as never,
      KEYS,
    );
  });
  const outcome = (username: string, password: string, address?: string): Promise<string> =>
    sessions.login(username, password, address).then(
      () => 'in',
      (error: DomainError) =>
        error.retryAfterSeconds ? `${error.code} ${error.retryAfterSeconds}` : error.code,
    );
  const guess = async (times: number, username: string, address?: string): Promise<string[]> => {
    const outcomes: string[] = [];
    for (let n = 0; n < times; n += 1) outcomes.push(await outcome(username, `guess-${n}`, address));
    return outcomes;
  };

  it.each(['eve', 'nobody'])(
    'of %s is held up after five wrong passwords, and says for how long',
    async (username) => {
      expect(await guess(6, username, THIEF)).toEqual([
        ...Array<string>(5).fill('UNAUTHENTICATED'),
        'TOO_MANY_REQUESTS 1',
      ]);
      expect(await outcome(username, 'right', THIEF)).toBe('TOO_MANY_REQUESTS 1');
    },
  );

  it('is not held up from where nobody guessed', async () => {
    await guess(10, 'eve', THIEF);
    expect(await outcome('eve', 'right', OWNER)).toBe('in');
  });

  it('without a known address is slowed down and not locked', async () => {
    expect(new Set(await guess(30, 'eve'))).toEqual(new Set(['UNAUTHENTICATED']));
    expect(await outcome('eve', 'guess')).toMatch(/^TOO_MANY_REQUESTS/);
  });

  it('that was denied is noted without names that nobody has: they may be passwords', async () => {
    written.length = 0;
    await outcome('my-password', 'x', OWNER);
    await outcome('eve', 'x', OWNER);
    expect(written).toEqual([
      { msg: 'login denied', user: undefined, ip: OWNER },
      { msg: 'login denied', user: 'eve', ip: OWNER },
    ]);
  });
});

import { PasswordCache } from './password-cache';

describe('PasswordCache', () => {
  let cache: PasswordCache;
  let clock = 1;

  beforeEach(() => {
    cache = new PasswordCache(() => clock);
  });

  it('knows what it was told and nothing else', () => {
    cache.set('eve', 'hash', 'pass', true);
    cache.set('bob', null, 'pass', false);
    expect(cache.get('eve', 'hash', 'pass')).toBe(true);
    expect(cache.get('bob', null, 'pass')).toBe(false);
  });

  it.each<[string, [string, string | null, string]]>([
    ['another user', ['bob', 'hash', 'pass']],
    ['a new hash', ['eve', 'hash2', 'pass']],
    ['no hash', ['eve', null, 'pass']],
    ['another password', ['eve', 'hash', 'pas']],
    ['fields that run together the same way', ['evehash', 'pass', '']],
    ['fields that look like lengths', ['eve4:hash', '', 'pass']],
  ])('misses for %s', (_what, key) => {
    cache.set('eve', 'hash', 'pass', true);
    expect(cache.get(...key)).toBeUndefined();
  });

  it('tells no hash from an empty one', () => {
    cache.set('eve', null, 'pass', false);
    expect(cache.get('eve', '', 'pass')).toBeUndefined();
  });

  it('forgets a good password after a minute, give or take a tenth', () => {
    const random = jest.spyOn(Math, 'random').mockReturnValue(0);
    cache.set('early', 'h', 'p', true);
    random.mockReturnValue(0.999);
    cache.set('late', 'h', 'p', true);
    random.mockRestore();
    clock += 53_900;
    expect(cache.get('early', 'h', 'p')).toBe(true);
    clock += 200;
    expect(cache.get('early', 'h', 'p')).toBeUndefined();
    expect(cache.get('late', 'h', 'p')).toBe(true);
    clock += 12_000;
    expect(cache.get('late', 'h', 'p')).toBeUndefined();
  });

  it('forgets a bad password after three seconds', () => {
    cache.set('eve', 'h', 'p', false);
    clock += 2_990;
    expect(cache.get('eve', 'h', 'p')).toBe(false);
    clock += 20;
    expect(cache.get('eve', 'h', 'p')).toBeUndefined();
  });

  it('does not live longer for being asked', () => {
    cache.set('eve', 'h', 'p', true);
    for (let second = 0; second < 67; second += 1) {
      cache.get('eve', 'h', 'p');
      clock += 1_000;
    }
    expect(cache.get('eve', 'h', 'p')).toBeUndefined();
  });

  it('keeps ten thousand at most', () => {
    for (let n = 0; n < 10_050; n += 1) cache.set(`u${n}`, 'h', 'p', true);
    expect(cache.get('u0', 'h', 'p')).toBeUndefined();
    expect(cache.get('u10049', 'h', 'p')).toBe(true);
  });

  it('holds no password', () => {
    cache.set('eve', 'h', 'CANARY', true);
    const { entries } = cache as unknown as { entries: { keys(): Iterable<string> } };
    expect([...entries.keys()].join()).not.toMatch(/CANARY|eve/);
  });

  it('checks once for all who ask the same at the same time', async () => {
    let end: (good: boolean) => void = () => undefined;
    const verify = jest.fn(() => new Promise<boolean>((resolve) => (end = resolve)));
    const all = [1, 2, 3].map(() => cache.check('eve', 'h', 'p', verify));
    const other = cache.check('eve', 'h', 'q', () => Promise.resolve(false));
    expect(verify).toHaveBeenCalledTimes(1);
    end(true);
    expect(await Promise.all(all)).toEqual([true, true, true]);
    expect(await other).toBe(false);
    expect([cache.get('eve', 'h', 'p'), cache.get('eve', 'h', 'q')]).toEqual([true, false]);
  });

  it('remembers nothing of a check that failed', async () => {
    const failing = (): Promise<boolean> => Promise.reject(new Error('full'));
    await expect(cache.check('eve', 'h', 'p', failing)).rejects.toThrow('full');
    expect(cache.get('eve', 'h', 'p')).toBeUndefined();
    expect(await cache.check('eve', 'h', 'p', () => Promise.resolve(true))).toBe(true);
  });

  it('forgets everything when cleared', () => {
    cache.set('eve', 'h', 'p', true);
    cache.clear();
    expect(cache.get('eve', 'h', 'p')).toBeUndefined();
  });
});

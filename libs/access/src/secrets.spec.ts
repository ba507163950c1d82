import { isStreamKey } from './credential-form.rules';
import { deriveKeys, equalSecrets, hashSecret, newSecret, open, seal } from './secrets';

describe('deriveKeys', () => {
  const keys = deriveKeys('s'.repeat(32));

  it('makes the same keys of the same secret, and others of another', () => {
    expect(deriveKeys('s'.repeat(32))).toEqual(keys);
    const other = deriveKeys('t'.repeat(32));
    for (const name of ['id', 'api', 'media', 'lookup'] as const) expect(other[name]).not.toEqual(keys[name]);
  });

  it('makes a key for each purpose, and an id that tells nothing of them', () => {
    const values = [keys.api, keys.media, keys.lookup].map((key) => key.toString('hex'));
    expect(new Set(values).size).toBe(3);
    expect(keys.id).toMatch(/^[0-9a-f]{8}$/);
    expect(values.some((value) => value.includes(keys.id))).toBe(false);
  });

  it('hashes a secret under each key differently', () => {
    const other = deriveKeys('t'.repeat(32));
    expect(hashSecret(keys, 'rk_x')).toEqual(hashSecret(keys, 'rk_x'));
    expect(hashSecret(keys, 'rk_x')).not.toEqual(hashSecret(other, 'rk_x'));
    expect(hashSecret(keys, 'rk_x')).not.toEqual(hashSecret(keys, 'rk_y'));
  });
});

describe('newSecret', () => {
  it('is long, random and shows what it is', () => {
    const made = Array.from({ length: 200 }, () => newSecret('rk'));
    expect(new Set(made).size).toBe(200);
    expect(made.every((secret) => /^rk_[\w-]{43}$/.test(secret))).toBe(true);
  });
});

describe('isStreamKey', () => {
  const body = 'Ab-_9'.repeat(9).slice(0, 43);
  it.each([
    [`rk_${body}`, true],
    [`sk_${body}`, true],
    [`rt_${body}`, false],
    [`rk_${body}x`, false],
    [`rk_${body.slice(1)}`, false],
    [` rk_${body}`, false],
    [`rk_${body}\n`, false],
    [`rk_${body.slice(1)}+`, false],
    ['', false],
  ])('%j → %s', (text, expected) => {
    expect(isStreamKey(text)).toBe(expected);
  });
});

describe('equalSecrets', () => {
  it.each([
    ['a', 'a', true],
    ['', '', true],
    ['a', 'b', false],
    ['a', 'aa', false],
    ['', 'a', false],
    ['é', 'e\u0301', false],
  ])('%j, %j → %s', (left, right, expected) => {
    expect(equalSecrets(left, right)).toBe(expected);
  });
});

describe('a sealed text', () => {
  const keys = deriveKeys('s'.repeat(32));

  it.each(['', 'x', 'ключ', '\u0000', 'x'.repeat(100_000)])(
    '%j opens again, and shows nothing before',
    (text) => {
      const sealed = seal(keys, text);
      expect(open(keys, sealed)).toBe(text);
      expect(sealed.equals(seal(keys, text))).toBe(false);
      if (text.length > 2) expect(sealed.includes(text)).toBe(false);
    },
  );

  it('does not open with other keys, changed, or cut', () => {
    const sealed = seal(keys, 'c4n4ry');
    expect(() => open(deriveKeys('t'.repeat(32)), sealed)).toThrow();
    for (let index = 0; index < sealed.length; index += 1) {
      const changed = Buffer.from(sealed);
      changed[index] ^= 1;
      expect(() => open(keys, changed)).toThrow();
      expect(() => open(keys, sealed.subarray(0, index))).toThrow();
    }
  });
});

import { WrongTries } from './wrong-tries';

let now = 0;
let tries: WrongTries;

beforeEach(() => {
  now = 0;
  tries = new WrongTries(() => now);
});

const spend = (address: string, count: number): void => {
  for (let each = 0; each < count; each += 1) tries.begin(address);
};

it('lets ten wrong codes a minute be tried from one address', () => {
  spend('192.0.2.1', 10);
  expect(() => tries.begin('192.0.2.1')).toThrow(
    expect.objectContaining({ code: 'TOO_MANY_REQUESTS', retryAfterSeconds: 60 }) as Error,
  );
  expect(() => tries.begin('192.0.2.2')).not.toThrow();
});

it('does not let the wait grow with what is tried meanwhile', () => {
  spend('192.0.2.1', 10);
  now = 59_999;
  expect(() => tries.begin('192.0.2.1')).toThrow();
  now = 60_000;
  expect(() => tries.begin('192.0.2.1')).not.toThrow();
});

it('does not count good ones', () => {
  for (let each = 0; each < 50; each += 1) {
    tries.begin('192.0.2.1');
    tries.takeBack('192.0.2.1');
  }
  expect(() => tries.begin('192.0.2.1')).not.toThrow();
});

it.each([
  ['2001:db8:1:2::1', '2001:db8:1:2:ffff::9', true],
  ['2001:db8:1:2::1', '2001:db8:1:3::1', false],
  ['2001:db8::1', '2001:db8:0:0:5::', true],
  ['::ffff:192.0.2.1', '192.0.2.1', true],
  ['::ffff:192.0.2.1', '::ffff:192.0.2.2', false],
])('takes %s and %s for one place: %s', (first, second, same) => {
  spend(first, 10);
  const again = (): void => tries.begin(second);
  if (same) expect(again).toThrow();
  else expect(again).not.toThrow();
});

import { DomainError } from '@rovercast/contracts';
import { retryRaces } from './retry';

const failure = (code: string): Error => Object.assign(new Error(code), { driverError: { code } });

it.each(['40001', '40P01', '23505', '55P03'])('runs again after %s, with less time left', async (code) => {
  const left: number[] = [];
  const answer = await retryRaces(1_000, (leftMs) => {
    left.push(leftMs);
    return left.length < 3 ? Promise.reject(failure(code)) : Promise.resolve('done');
  });
  expect(answer).toBe('done');
  expect(left).toHaveLength(3);
  expect(left[2]).toBeLessThanOrEqual(left[0]);
});

it.each(['42P01', '57014', 'RC001', '23514'])('does not run again after %s', async (code) => {
  const attempt = jest.fn(() => Promise.reject(failure(code)));
  await expect(retryRaces(1_000, attempt)).rejects.toThrow(code);
  expect(attempt).toHaveBeenCalledTimes(1);
});

it('gives up at the deadline, and says when to come back', async () => {
  const startedAt = performance.now();
  const lost = retryRaces(50, () => Promise.reject(failure('40P01')));
  await expect(lost).rejects.toBeInstanceOf(DomainError);
  await expect(lost).rejects.toMatchObject({ code: 'DATABASE_UNREACHABLE', retryAfterSeconds: 1 });
  expect(performance.now() - startedAt).toBeLessThan(1_000);
});

import { assertNever, DomainError, ERROR_STATUS } from './errors';

describe('DomainError', () => {
  it('has a code and no extras by default', () => {
    const error = new DomainError('ROBOT_OFFLINE', 'the robot is offline');
    expect(error).toBeInstanceOf(Error);
    expect(error).toMatchObject({ name: 'DomainError', code: 'ROBOT_OFFLINE', fields: [], details: {} });
    expect(error.cause).toBeUndefined();
    expect('cause' in error).toBe(false);
  });

  it('keeps its cause, its fields and when to retry', () => {
    const cause = new Error('socket');
    const fields = [{ field: 'a', message: 'a is bad' }];
    const error = new DomainError('CONFLICT', 'no', {
      cause,
      fields,
      retryAfterSeconds: 2,
      details: { usage: 1 },
    });
    expect(error).toMatchObject({ cause, fields, retryAfterSeconds: 2, details: { usage: 1 } });
  });

  it('has a status of a failure for every code', () => {
    for (const status of Object.values(ERROR_STATUS)) expect(status >= 400 && status < 600).toBe(true);
  });
});

it('assertNever says what it got', () => {
  expect(() => assertNever('x' as never)).toThrow('unexpected value "x"');
});

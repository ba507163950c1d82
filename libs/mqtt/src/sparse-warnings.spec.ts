import { SparseWarnings } from './sparse-warnings';

describe('SparseWarnings', () => {
  const setup = () => {
    const lines: object[] = [];
    const clock = { now: 0 };
    return {
      lines,
      clock,
      warnings: new SparseWarnings(
        (line) => lines.push(line),
        60_000,
        () => clock.now,
      ),
    };
  };

  it('writes the first line of each kind at once', () => {
    const { lines, warnings } = setup();
    warnings.warn('garbage', { topic: 'a' });
    warnings.warn('refused');
    expect(lines).toEqual([{ msg: 'garbage', topic: 'a' }, { msg: 'refused' }]);
  });

  it('writes one line a minute for a thousand events and says how many it held back', () => {
    const { lines, warnings, clock } = setup();
    for (let count = 0; count < 1_000; count += 1) warnings.warn('garbage');
    clock.now = 60_000;
    warnings.warn('garbage');
    expect(lines).toEqual([{ msg: 'garbage' }, { msg: 'garbage', alsoSince: 999 }]);
  });
});

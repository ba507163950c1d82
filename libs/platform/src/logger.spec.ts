import { Logger } from '@nestjs/common';
import { JsonLogger } from './logger';

function aLogger(level = 'debug'): {
  log: JsonLogger;
  lines: () => Record<string, any>[];
  text: () => string;
} {
  const written: string[] = [];
  return {
    log: new JsonLogger(level, 'auth', { write: (line) => written.push(line) }),
    lines: () => written.map((line) => JSON.parse(line) as Record<string, unknown>),
    text: () => written.join(''),
  };
}

describe('JsonLogger', () => {
  it('writes one JSON line with its time, app and level', () => {
    const { log, lines, text } = aLogger();
    log.warn({ msg: 'denied', path: 'robots/r1', viewers: 2 });
    expect(text()).toMatch(/^\{.*\}\n$/);
    expect(lines()[0]).toMatchObject({
      level: 'warn',
      app: 'auth',
      msg: 'denied',
      path: 'robots/r1',
      viewers: 2,
    });
    expect(lines()[0].at).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
  });

  it.each([
    ['info', ['info', 'warn', 'error']],
    ['warn', ['warn', 'error']],
    ['silent', []],
  ])('at level %s writes %j', (level, expected) => {
    const { log, lines } = aLogger(level);
    log.debug('d');
    log.info('i');
    log.warn('w');
    log.error('e');
    expect(lines().map((line) => line.level)).toEqual(expected);
  });

  it('keeps Nest’s wiring chatter for debug', () => {
    const { log, lines } = aLogger('info');
    log.log('Mapped {/x, GET} route', 'RouterExplorer');
    log.log('started', 'Door');
    expect(lines()).toEqual([expect.objectContaining({ msg: 'started', context: 'Door' })]);
  });

  it('cannot be made to write two lines', () => {
    const { log, text } = aLogger();
    log.warn({ msg: 'denied\n{"level":"info"}', path: 'a\r\nb\u001b[31m' });
    for (const control of ['\r', '\n', '\u001b']) expect(text().trimEnd()).not.toContain(control);
  });

  const url = 'rtsp://bob:c4n4ry@host/a';
  const failure = Object.assign(new Error(`cannot open ${url}`), { url });
  const circle: Record<string, unknown> = { url };
  circle.self = circle;
  it.each<[string, (log: JsonLogger) => void]>([
    ['the text', (log) => log.info(url)],
    ['the message', (log) => log.info({ msg: url })],
    ['a field', (log) => log.info({ msg: 'x', source: url })],
    ['a nested field', (log) => log.info({ msg: 'x', details: { camera: { source: url } } })],
    ['a list', (log) => log.info({ msg: 'x', sources: [url, [url]] })],
    ['an error', (log) => log.error(failure)],
    ['an error in a field', (log) => log.error({ msg: 'x', error: failure })],
    ['a circle', (log) => log.error({ msg: 'x', circle })],
    ['a stack', (log) => log.error('x', `Error: ${url}\n at y`, 'Door')],
    ['a stack without a context', (log) => log.error('x', `Error: ${url}\n at y`)],
    [
      'a message through Nest',
      (log) => {
        const nest = new Logger('Door');
        Logger.overrideLogger(log);
        nest.warn({ msg: 'x', detail: url });
        nest.error(url, failure.stack);
        Logger.overrideLogger(false);
      },
    ],
  ])('masks credentials in %s', (_where, write) => {
    const { log, text } = aLogger();
    write(log);
    expect(text()).toContain('***@host');
    expect(text()).not.toContain('c4n4ry');
  });

  it('writes an error in a field with its stack', () => {
    const { log, lines } = aLogger();
    log.error({ msg: 'request failed', error: new Error('why') });
    expect(lines()[0].error).toMatch(/^Error: why\n\s+at /);
  });

  it('writes dates and addresses as text', () => {
    const { log, lines } = aLogger();
    log.info({ msg: 'x', at: new Date(0), inner: { source: new URL(url) } });
    expect(lines()[0]).toMatchObject({
      at: '1970-01-01T00:00:00.000Z',
      inner: { source: 'rtsp://***@host/a' },
    });
  });

  it.each([undefined, null, 7, Symbol('x'), [], { msg: 7 }, { big: 7n }])('survives %p', (line) => {
    const { log, lines } = aLogger();
    log.info(line as never);
    expect(lines()).toHaveLength(1);
  });
});

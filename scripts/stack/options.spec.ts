import { parseOptions } from './options';

describe('command line of npm start', () => {
  it('has defaults for everything', () => {
    expect(parseOptions([])).toEqual({
      port: 3000,
      host: '127.0.0.1',
      dataDir: undefined,
      robot: true,
      help: false,
    });
  });

  it.each([
    [['--port', '8080'], { port: 8080 }],
    [['--port=0'], { port: 0 }],
    [['--host', '0.0.0.0'], { host: '0.0.0.0' }],
    [['--data-dir', '/tmp/x'], { dataDir: '/tmp/x' }],
    [['--no-robot'], { robot: false }],
    [['--help'], { help: true }],
    [['-h'], { help: true }],
  ])('understands %j', (argv, expected) => {
    expect(parseOptions(argv)).toMatchObject(expected);
  });

  it.each([
    [['--nonsense'], 'Unknown option "--nonsense"; --help lists the options'],
    [['stray'], 'Unexpected argument "stray"; --help lists the options'],
    [['--port'], 'Option "--port <value>" argument missing; --help lists the options'],
    [['--port', 'http'], '--port wants a number from 0 to 65535, not "http"'],
    [['--port', '65536'], '--port wants a number from 0 to 65535, not "65536"'],
    [['--port=-1'], '--port wants a number from 0 to 65535, not "-1"'],
    [['--host='], '--host wants an address'],
    [['--data-dir='], '--data-dir wants a folder'],
  ])('answers %j with one sentence', (argv, sentence) => {
    expect(() => parseOptions(argv)).toThrow(sentence);
    expect(sentence).not.toMatch(/\n/);
  });
});

import { parseTopic, topic, TOPICS, type TopicName } from './topics';

const parts = { robotId: 'r1', camera: 'front', name: 'stream', kind: 'alert', replica: 'gw-7f' };

describe('topic', () => {
  it.each<[TopicName, string]>([
    ['cmd', 'rc/v1/robots/r1/cmd/stream'],
    ['desired', 'rc/v1/robots/r1/desired/stream/front'],
    ['reported', 'rc/v1/robots/r1/reported/stream/front'],
    ['presence', 'rc/v1/robots/r1/presence'],
    ['info', 'rc/v1/robots/r1/info'],
    ['evt', 'rc/v1/robots/r1/evt/alert'],
    ['reply', 'rc/v1/gw/gw-7f/reply/r1'],
  ])('%s is %s, and back', (name, text) => {
    expect(topic(name, parts)).toBe(text);
    const found = parseTopic(text);
    expect(found?.topic).toBe(name);
    expect(topic(name, found)).toBe(text);
  });

  it('makes a subscription of what is left out', () => {
    expect(topic('reported')).toBe('rc/v1/robots/+/reported/stream/+');
    expect(topic('cmd', { robotId: 'r1' })).toBe('rc/v1/robots/r1/cmd/+');
  });

  it.each(['', '+', '#', 'a/b', 'a+', 'r1/#', 'a.b', 'a\0', 'x'.repeat(65), 'саm'])(
    'refuses %j as a level',
    (robotId) => {
      expect(() => topic('presence', { robotId })).toThrow('robotId cannot be a topic level');
    },
  );
});

describe('parseTopic', () => {
  it.each([
    [''],
    ['rc'],
    ['rc/v1/robots/r1'],
    ['rc/v2/robots/r1/presence'],
    ['/rc/v1/robots/r1/presence'],
    ['rc/v1/robots/r1/presence/'],
    ['rc/v1/robots//presence'],
    ['rc/v1/robots/+/presence'],
    ['rc/v1/robots/#'],
    ['rc/v1/robots/r1/evt/a.b'],
    ['RC/v1/robots/r1/presence'],
    ['robot/stream'],
    ['$SYS/broker'],
    ['x/'.repeat(10_000)],
  ])('%j is none of ours', (text) => {
    expect(parseTopic(text.slice(0, 20_000))).toBeUndefined();
  });
});

describe('the topic table', () => {
  it('retains no order and lets none live for ever', () => {
    expect(TOPICS.cmd).toMatchObject({ retain: false, expirySeconds: 5 });
    expect(TOPICS.reply).toMatchObject({ retain: false, expirySeconds: 10 });
  });
});

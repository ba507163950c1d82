import {
  filterCovers,
  mayUseTopic,
  topicRights,
  type BrokerPrincipal,
  type TopicRight,
} from './topic-rights.rules';
import { LEGACY_TOPIC, topic, TOPICS, type TopicName } from './topics';

describe('filterCovers', () => {
  it.each([
    ['a/b', 'a/b', true],
    ['a/b', 'a/c', false],
    ['a/b', 'a', false],
    ['a', 'a/b', false],
    ['a/+', 'a/b', true],
    ['a/+', 'a/+', true],
    ['a/+', 'a/', true],
    ['a/+', 'a', false],
    ['a/+', 'a/b/c', false],
    ['a/+', 'a/#', false],
    ['a/b', 'a/+', false],
    ['+/b', 'a/b', true],
    ['a/#', 'a', true],
    ['a/#', 'a/b/c', true],
    ['a/#', 'a/#', true],
    ['a/#', 'a/+/c', true],
    ['a/#', 'b', false],
    ['a/#', '#', false],
    ['#', 'a/b', true],
    ['a/+/c', 'a/#', false],
    ['a/b', 'A/b', false],
  ])('%s covers %s: %s', (filter, text, expected) => {
    expect(filterCovers(filter, text)).toBe(expected);
  });
});

const A: BrokerPrincipal = { kind: 'robot', robotId: 'A' };
const LEGACY: BrokerPrincipal = { kind: 'legacy', robotId: 'L', topic: LEGACY_TOPIC };
const GATEWAY: BrokerPrincipal = { kind: 'gateway' };

describe('what a connection may do at the broker', () => {
  it.each<[string, BrokerPrincipal, TopicRight['action'], string, boolean]>([
    ['a robot hears its orders', A, 'subscribe', 'rc/v1/robots/A/cmd/+', true],
    ['a robot hears one kind of order', A, 'subscribe', 'rc/v1/robots/A/cmd/stream', true],
    ['a robot hears its wishes', A, 'subscribe', 'rc/v1/robots/A/desired/stream/+', true],
    ['a robot hears its own presence', A, 'subscribe', 'rc/v1/robots/A/presence', true],
    ['a robot reports', A, 'publish', 'rc/v1/robots/A/reported/stream/main', true],
    ['a robot says that it is there', A, 'publish', 'rc/v1/robots/A/presence', true],
    ['a robot answers any replica', A, 'publish', 'rc/v1/gw/g1/reply/A', true],
    ["a robot cannot hear another's orders", A, 'subscribe', 'rc/v1/robots/B/cmd/+', false],
    ['a robot cannot hear all orders', A, 'subscribe', 'rc/v1/robots/+/cmd/+', false],
    ['a robot cannot hear a tree of its own', A, 'subscribe', 'rc/v1/robots/A/#', false],
    ['a robot cannot hear a tree under cmd', A, 'subscribe', 'rc/v1/robots/A/cmd/#', false],
    ['a robot cannot hear everything', A, 'subscribe', '#', false],
    ['a robot cannot hear by shared subscription', A, 'subscribe', '$share/g/rc/v1/robots/A/cmd/+', false],
    ['a robot cannot hear the broker', A, 'subscribe', '$SYS/#', false],
    ['a robot cannot hear replies', A, 'subscribe', 'rc/v1/gw/+/reply/+', false],
    ['a robot cannot report for another', A, 'publish', 'rc/v1/robots/B/reported/stream/main', false],
    ["a robot cannot forge another's reply", A, 'publish', 'rc/v1/gw/g1/reply/B', false],
    ['a robot cannot order itself', A, 'publish', 'rc/v1/robots/A/cmd/stream', false],
    ['a robot cannot wish for itself', A, 'publish', 'rc/v1/robots/A/desired/stream/main', false],
    ['a robot cannot start legacy robots', A, 'publish', 'robot/stream', false],
    ['a robot whose id is a prefix gets nothing', A, 'publish', 'rc/v1/robots/AB/presence', false],
    ['a robot cannot publish to a wildcard', A, 'publish', 'rc/v1/robots/A/evt/+', false],
    ['a robot cannot publish to a tree', A, 'publish', 'rc/v1/robots/A/evt/#', false],
    ['a legacy robot hears its topic', LEGACY, 'subscribe', 'robot/stream', true],
    ['a legacy robot cannot publish there', LEGACY, 'publish', 'robot/stream', false],
    ['a legacy robot hears nothing else', LEGACY, 'subscribe', 'robot/+', false],
    ['a legacy robot has no robot topics', LEGACY, 'subscribe', 'rc/v1/robots/L/cmd/+', false],
    ['a gateway orders any robot', GATEWAY, 'publish', 'rc/v1/robots/A/cmd/ping', true],
    ['a gateway orders legacy robots', GATEWAY, 'publish', 'robot/stream', true],
    ['a gateway hears every report', GATEWAY, 'subscribe', 'rc/v1/robots/+/reported/stream/+', true],
    ['a gateway cannot report', GATEWAY, 'publish', 'rc/v1/robots/A/reported/stream/main', false],
    ['a gateway cannot hear everything', GATEWAY, 'subscribe', '#', false],
    ['a gateway cannot hear orders', GATEWAY, 'subscribe', 'rc/v1/robots/+/cmd/+', false],
    ['nobody publishes to the broker itself', GATEWAY, 'publish', '$SYS/x', false],
  ])('%s', (_sentence, principal, action, text, expected) => {
    expect(mayUseTopic(topicRights(principal), action, text)).toBe(expected);
  });

  it('gives both ends of every topic their side of it, and no other', () => {
    const parts = { robotId: 'A', camera: 'main', name: 'ping', kind: 'alert', replica: 'g1' };
    for (const name of Object.keys(TOPICS) as TopicName[]) {
      const [publisher, reader] = TOPICS[name].from === 'robot' ? [A, GATEWAY] : [GATEWAY, A];
      expect([name, mayUseTopic(topicRights(publisher), 'publish', topic(name, parts))]).toEqual([
        name,
        true,
      ]);
      expect([name, mayUseTopic(topicRights(reader), 'publish', topic(name, parts))]).toEqual([name, false]);
      const filter = topic(name, reader === A ? { robotId: 'A' } : {});
      expect([name, mayUseTopic(topicRights(reader), 'subscribe', filter)]).toEqual([name, true]);
    }
  });
});

/** Who holds a connection to the broker. */
export type BrokerPrincipal =
  | { kind: 'gateway' }
  | { kind: 'robot'; robotId: string }
  | { kind: 'legacy'; robotId: string; topic: string };

/** One rule of a broker's access list; MQTT filters, default deny. */
export interface TopicRight {
  action: 'publish' | 'subscribe';
  filter: string;
}

/** Everything that a connection may do at the broker; what is not listed is denied. */
export function topicRights(principal: BrokerPrincipal): TopicRight[] {
  switch (principal.kind) {
    case 'gateway':
      return [
        { action: 'publish', filter: 'rc/v1/robots/+/cmd/+' },
        { action: 'publish', filter: 'rc/v1/robots/+/desired/stream/+' },
        { action: 'publish', filter: 'robot/#' },
        { action: 'publish', filter: 'legacy/#' },
        { action: 'subscribe', filter: 'rc/v1/robots/+/reported/stream/+' },
        { action: 'subscribe', filter: 'rc/v1/robots/+/presence' },
        { action: 'subscribe', filter: 'rc/v1/robots/+/info' },
        { action: 'subscribe', filter: 'rc/v1/robots/+/evt/+' },
        { action: 'subscribe', filter: 'rc/v1/gw/+/reply/+' },
      ];
    case 'robot': {
      const own = `rc/v1/robots/${principal.robotId}`;
      return [
        { action: 'subscribe', filter: `${own}/cmd/+` },
        { action: 'subscribe', filter: `${own}/desired/stream/+` },
        { action: 'subscribe', filter: `${own}/presence` },
        { action: 'publish', filter: `${own}/reported/stream/+` },
        { action: 'publish', filter: `${own}/presence` },
        { action: 'publish', filter: `${own}/info` },
        { action: 'publish', filter: `${own}/evt/+` },
        { action: 'publish', filter: `rc/v1/gw/+/reply/${principal.robotId}` },
      ];
    }
    case 'legacy':
      return [{ action: 'subscribe', filter: principal.topic }];
  }
}

/** Whether an MQTT filter covers a topic or a narrower filter (MQTT 5.0, 4.7): `a/+` covers `a/b` and `a/+`, not `a/#`. */
export function filterCovers(filter: string, topicOrFilter: string): boolean {
  const wanted = filter.split('/');
  const actual = topicOrFilter.split('/');
  for (let index = 0; index < wanted.length; index += 1) {
    if (wanted[index] === '#') return true;
    if (index >= actual.length || actual[index] === '#') return false;
    if (wanted[index] !== '+' && wanted[index] !== actual[index]) return false;
  }
  return wanted.length === actual.length;
}

/** Whether a list of rights lets a connection publish to a topic (which has no wildcards) or subscribe to a filter. */
export function mayUseTopic(
  rights: TopicRight[],
  action: TopicRight['action'],
  topicOrFilter: string,
): boolean {
  if (action === 'publish' && /[+#]/.test(topicOrFilter)) return false;
  return rights.some((right) => right.action === action && filterCovers(right.filter, topicOrFilter));
}

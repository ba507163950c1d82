import type { RobotPresence } from '@rovercast/contracts';
import { PresenceRegistry, type PresenceChange } from './presence.registry';

const word = (online: boolean, bootId: string, connSeq: number): RobotPresence => ({
  v: 1,
  online,
  bootId,
  connSeq,
  at: 0,
  clean: false,
});

const after = (...words: RobotPresence[]): PresenceRegistry => {
  const registry = new PresenceRegistry();
  for (const one of words) registry.heard('r1', one);
  return registry;
};

it.each([
  ['nobody has spoken', [], false],
  ['it was born', [word(true, 'b1', 1)], true],
  ['its will came', [word(true, 'b1', 1), word(false, 'b1', 1)], false],
  [
    'the will of an older connection comes after the next birth',
    [word(true, 'b1', 2), word(false, 'b1', 1)],
    true,
  ],
  ['the will of an older boot comes after the next birth', [word(true, 'b2', 1), word(false, 'b1', 9)], true],
  ['it comes back', [word(true, 'b1', 1), word(false, 'b1', 1), word(true, 'b1', 2)], true],
])('when %s', (_, words, online) => {
  expect(after(...words).isOnline('r1')).toBe(online);
});

it('says whether a word changed anything', () => {
  const registry = new PresenceRegistry();
  expect(registry.heard('r1', word(true, 'b1', 1))).toBe(true);
  expect(registry.heard('r1', word(true, 'b1', 2))).toBe(false);
  expect(registry.heard('r1', word(false, 'b1', 1))).toBe(false);
  expect(registry.heard('r1', word(false, 'b1', 2))).toBe(true);
});

it('counts who is there', () => {
  const registry = after(word(true, 'b1', 1));
  registry.heard('r2', word(true, 'b', 1));
  registry.heard('r3', word(false, 'b', 1));
  expect(registry.onlineCount()).toBe(2);
  registry.forget('r2');
  expect(registry.onlineCount()).toBe(1);
  registry.forgetAll();
  expect(registry.onlineCount()).toBe(0);
  expect(registry.isOnline('r1')).toBe(false);
});

it('tells who came and who went, and once when nothing is known any more', () => {
  const registry = new PresenceRegistry();
  const told: PresenceChange[] = [];
  registry.onChange((change) => told.push(change));
  registry.heard('r1', word(false, 'b1', 1));
  registry.heard('r1', word(true, 'b1', 2));
  registry.heard('r1', word(true, 'b1', 3));
  registry.heard('r1', word(false, 'b1', 3));
  registry.heard('r2', word(true, 'b1', 1));
  registry.forget('r2');
  registry.forget('r2');
  registry.forgetAll();
  registry.forgetAll();
  expect(told).toEqual([
    { robotId: 'r1', online: true },
    { robotId: 'r1', online: false },
    { robotId: 'r2', online: true },
    { robotId: 'r2', online: false },
    { robotId: null },
  ]);
});

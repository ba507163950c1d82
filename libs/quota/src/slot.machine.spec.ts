import { mayEnter, RESERVE_MS, step, type EndReason, type Slot, type SlotEvent } from './slot.machine';

const reserved: Slot = { state: 'reserved', generation: 3, enteredAt: 0, reservedUntil: 100 };
const active: Slot = { state: 'active', generation: 3, enteredAt: 0, reservedUntil: null };
const ended: Slot = { state: 'ended', generation: 3, reason: 'GONE' };
const end = (reason: EndReason, generation: number | null = 3, now = 100): SlotEvent => ({
  on: 'end',
  now,
  reason,
  generation,
});

it.each<[string, Slot, SlotEvent, Slot | undefined]>([
  [
    'reserved, seen',
    reserved,
    { on: 'seen', generation: 3 },
    { ...reserved, state: 'active', reservedUntil: null },
  ],
  ['reserved, seen before the last entry', reserved, { on: 'seen', generation: 2 }, undefined],
  [
    'reserved, entered',
    reserved,
    { on: 'entered', now: 50, generation: 4 },
    { state: 'reserved', generation: 4, enteredAt: 50, reservedUntil: 50 + RESERVE_MS },
  ],
  [
    'active, entered',
    active,
    { on: 'entered', now: 50, generation: 4 },
    { state: 'active', generation: 4, enteredAt: 50, reservedUntil: 50 + RESERVE_MS },
  ],
  ['active, seen', { ...active, reservedUntil: 9 }, { on: 'seen', generation: 3 }, active],
  ['reserved, stopped', reserved, end('STOPPED'), { state: 'ended', generation: 3, reason: 'STOPPED' }],
  ['reserved, kicked whatever the generation', reserved, end('KICKED', null), { ...ended, reason: 'KICKED' }],
  ['reserved, revoked', reserved, end('REVOKED'), { ...ended, reason: 'REVOKED' }],
  ['reserved, stopped in an older generation', reserved, end('STOPPED', 2), undefined],
  ['reserved, gone', reserved, end('GONE'), undefined],
  ['reserved, expired too early', reserved, end('EXPIRED'), undefined],
  ['reserved, expired', reserved, end('EXPIRED', 3, 101), { ...ended, reason: 'EXPIRED' }],
  ['active, gone', active, end('GONE'), ended],
  ['active, gone before it was entered again', active, end('GONE', 2), undefined],
  ['active, expired', active, end('EXPIRED', 3, 101), undefined],
  ['ended, seen', ended, { on: 'seen', generation: 3 }, undefined],
  ['ended, entered', ended, { on: 'entered', now: 1, generation: 4 }, undefined],
  ['ended, stopped', ended, end('STOPPED'), undefined],
])('%s', (_, slot, event, expected) => expect(step(slot, event)).toEqual(expected));

it.each([
  [{ kind: 'robot', id: 'r1' }, { kind: 'robot', id: 'r1' }, true],
  [{ kind: 'robot', id: 'r1' }, { kind: 'robot', id: 'r2' }, false],
  [{ kind: 'robot', id: 'r1' }, { kind: 'user', id: 'r1' }, false],
  [{ kind: 'unknown', id: '' }, { kind: 'user', id: 'ann' }, true],
] as const)('%j lets %j enter: %s', (holder, asks, expected) =>
  expect(mayEnter(holder, asks)).toBe(expected),
);

import { changedQuotas, frame, isFor, numberOf, type Audience } from './event.rules';

const path = (...rights: ('read' | 'control')[]): Audience => ({ who: 'path', paths: ['a', 'b'], rights });

it.each<[string, Audience, string, string, boolean]>([
  ['everyone', { who: 'everyone' }, 'viewer', '', true],
  ['staff, to an operator', { who: 'staff' }, 'operator', '', true],
  ['staff, to a viewer', { who: 'staff' }, 'viewer', 'read a', false],
  ['a path, to who may read it', path('read', 'control'), 'viewer', 'read b', true],
  ['a path, to who may control it', path('read', 'control'), 'viewer', 'control a', true],
  ['a path, to who has another right', path('read'), 'viewer', 'control a', false],
  ['a path, to who has another path', path('read'), 'operator', 'read c', false],
])('is for %s', (_, audience, role, right, expected) => {
  expect(isFor(audience, { role, may: (action, where) => `${action} ${where}` === right })).toBe(expected);
});

it('writes an event in three lines, whatever its data holds', () => {
  expect(frame('b-1', { name: 'alert', data: { detail: 'a\n\ndata: b' } })).toBe(
    'id: b-1\nevent: alert\ndata: {"detail":"a\\n\\ndata: b"}\n\n',
  );
});

it.each([
  ['b1-7', 7],
  ['b1-0', 0],
  ['b2-7', undefined],
  ['b1-', undefined],
  ['b1', undefined],
  ['b1-7-7', undefined],
  ['b1--7', undefined],
  ['b1-1e9', undefined],
  ['b1-9999999999999999', undefined],
  ['', undefined],
])('reads the id %j', (id, expected) => {
  expect(numberOf(id, 'b1')).toBe(expected);
});

it('finds the scopes whose numbers have changed, and new ones', () => {
  const before = [
    { scope: '*', used: 1, limit: 5 },
    { scope: 'a', used: 1, limit: null },
    { scope: 'b', used: 0, limit: 3 },
  ];
  const now = [
    { scope: '*', used: 2, limit: 5, reserved: 1 },
    { scope: 'a', used: 1, limit: null, reserved: 1 },
    { scope: 'b', used: 0, limit: 4, reserved: 0 },
    { scope: 'c', used: 0, limit: null, reserved: 0 },
  ];
  expect(changedQuotas(before, now)).toEqual([
    { scope: '*', used: 2, limit: 5 },
    { scope: 'b', used: 0, limit: 4 },
    { scope: 'c', used: 0, limit: null },
  ]);
});

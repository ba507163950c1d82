import fc from 'fast-check';
import { World, type Move } from './test-world';

/** 2,000 sequences beside the code, FC_NUM_RUNS=50000 in the full run. */
const numRuns = Number(process.env.FC_NUM_RUNS ?? 2_000);
const MAX_MOVES = 60;

const path = fc.integer({ min: 0, max: 5 });
const node = fc.integer({ min: 0, max: 1 });

const everyday: fc.WeightedArbitrary<Move>[] = [
  { weight: 4, arbitrary: fc.record({ do: fc.constant('request' as const), path }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('publish' as const), path, node }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('intrude' as const), path, node }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('leave' as const), path }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('stop' as const), path, lingers: fc.boolean() }) },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 12_000 }) }),
  },
];
const meanwhile = fc.array(fc.oneof(...everyday), { maxLength: 2 });
const faults: fc.WeightedArbitrary<Move>[] = [
  { weight: 1, arbitrary: fc.record({ do: fc.constant('restart-node' as const), node }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('readable' as const), node, readable: fc.boolean() }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('limit' as const), streams: fc.integer({ min: 0, max: 5 }) }),
  },
  { weight: 1, arbitrary: fc.constant<Move>({ do: 'new-leader' }) },
  { weight: 1, arbitrary: fc.constant<Move>({ do: 'back-up' }) },
  { weight: 1, arbitrary: fc.constant<Move>({ do: 'restore' }) },
  { weight: 1, arbitrary: fc.constant<Move>({ do: 'empty' }) },
];
const pass: fc.WeightedArbitrary<Move> = {
  weight: 16,
  arbitrary: fc.record({ do: fc.constant('pass' as const), between: meanwhile, before: meanwhile }),
};

function run(moves: Move[]): World {
  const world = new World();
  for (const move of moves) {
    world.move(move);
    if (world.broken.length > 0) return world;
  }
  world.settle();
  return world;
}

it(
  'holds I1, I3, I4, I5 and I11 after every step, whatever happens to nodes, leader and database',
  () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(...everyday, ...faults, pass), { maxLength: MAX_MOVES, size: 'max' }),
        (moves) => {
          expect(run(moves).broken).toEqual([]);
        },
      ),
      { numRuns },
    );
  },
  120_000 + numRuns * 20,
);

import { judge, type AlertPolicy } from './alert.rules';

const aPolicy = (change: Partial<AlertPolicy> = {}): AlertPolicy => ({
  id: 'p1',
  kind: 'motion',
  minConfidence: 0.8,
  action: 'go-live',
  leaseSeconds: 60,
  enabled: true,
  ...change,
});

it.each([
  ['nobody wrote a policy', undefined, 1, 'record'],
  ['it is off', aPolicy({ enabled: false }), 1, 'record'],
  ['the robot is not sure enough', aPolicy(), 0.79, 'record'],
  ['the robot is just sure enough', aPolicy(), 0.8, 'go-live'],
  ['the policy wants a record', aPolicy({ action: 'record-event' }), 1, 'record'],
  ['everything is enough', aPolicy({ minConfidence: 0 }), 0, 'go-live'],
])('when %s', (_, policy, confidence, verdict) => {
  expect(judge(policy, { confidence }).do).toBe(verdict);
});

it('carries the lease and names the policy', () => {
  expect(judge(aPolicy(), { confidence: 1 })).toEqual({ do: 'go-live', policyId: 'p1', leaseSeconds: 60 });
});

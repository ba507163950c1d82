export { EXAMPLE_QUOTA, type NewGroup, type QuotaSeed } from './example';
export { groupOf, MAX_PATTERNS, patternProblem, type GroupPattern } from './groups.rules';
export { takeLead, type Lead } from './lead';
export { admitsViewer, limitProblem, type GroupLimits, type TotalLimits } from './limits.rules';
export { reconcileSlots } from './reconcile.rules';
export type { NodeLook, PassReport, ReconcilerMemory, SlotAction } from './reconcile.types';
export {
  SlotStore,
  StaleEpoch,
  type Admission,
  type Holder,
  type ScopeUsage,
  type SlotRequest,
} from './slot.store';

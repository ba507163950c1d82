/** What to do about alerts of one kind. */
export interface AlertPolicy {
  id: string;
  kind: string;
  minConfidence: number;
  action: 'record-event' | 'go-live';
  leaseSeconds: number;
  enabled: boolean;
}

export type Verdict =
  | { do: 'record'; because: string; policyId?: string }
  | { do: 'go-live'; policyId: string; leaseSeconds: number };

/** What a robot's alert leads to. Every alert is recorded; only a policy of its kind, sure enough, makes it more. */
export function judge(policy: AlertPolicy | undefined, alert: { confidence: number }): Verdict {
  if (!policy) return { do: 'record', because: 'no policy for this kind' };
  const { id: policyId, enabled, minConfidence, action, leaseSeconds } = policy;
  if (!enabled) return { do: 'record', because: 'the policy is off', policyId };
  if (alert.confidence < minConfidence) {
    return { do: 'record', because: `less sure than ${minConfidence}`, policyId };
  }
  if (action === 'record-event') return { do: 'record', because: 'the policy says so', policyId };
  return { do: 'go-live', policyId, leaseSeconds };
}

import type { AccessAction } from '@rovercast/access';

/** Who may hear of something: everyone with a login, admins and operators, or who has one of the rights to one of the paths. */
export type Audience =
  { who: 'everyone' } | { who: 'staff' } | { who: 'path'; paths: string[]; rights: AccessAction[] };

/** `reset`: something may have been missed, so look at the lists again. */
export type EventName = 'presence' | 'stream' | 'quota' | 'alert' | 'reset';

export interface FleetEvent {
  name: EventName;
  data: object;
  audience: Audience;
}

/** What the audience is compared with. */
interface Listener {
  role: string;
  may: (action: AccessAction, path: string) => boolean;
}

/** Whether an event is for somebody. */
export function isFor({ who, ...rest }: Audience, { role, may }: Listener): boolean {
  if (who === 'everyone') return true;
  if (who === 'staff') return role === 'admin' || role === 'operator';
  const { paths, rights } = rest as Extract<Audience, { who: 'path' }>;
  return paths.some((path) => rights.some((action) => may(action, path)));
}

/** An event on the wire, as in the HTML standard, section 9.2.6. Data is JSON, so it has no line breaks. */
export const frame = (id: string, { name, data }: Pick<FleetEvent, 'name' | 'data'>): string =>
  `id: ${id}\nevent: ${name}\ndata: ${JSON.stringify(data)}\n\n`;

/** The number in an event id of this process, or undefined when it is another's or none at all. */
export function numberOf(id: string, boot: string): number | undefined {
  const [prefix, number, ...rest] = id.split('-');
  if (prefix !== boot || rest.length > 0 || !/^\d{1,15}$/.test(number ?? '')) return undefined;
  return Number(number);
}

/** How full a group is, or all of them (`*`). */
export interface QuotaState {
  scope: string;
  used: number;
  limit: number | null;
}

/** The scopes that are not as they were. */
export function changedQuotas(before: readonly QuotaState[], now: readonly QuotaState[]): QuotaState[] {
  const known = new Map(before.map((one) => [one.scope, one]));
  return now
    .filter(({ scope, used, limit }) => {
      const was = known.get(scope);
      return was?.used !== used || was.limit !== limit;
    })
    .map(({ scope, used, limit }) => ({ scope, used, limit }));
}

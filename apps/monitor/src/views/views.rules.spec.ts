import type { MediaSession } from '@rovercast/mediamtx';
import type { Admission } from '../revocations/access.facts';
import { admissionsOf, anAdmission, aSession, NOW } from '../revocations/test-facts';
import { followViews, type OpenView, type ViewAction, type ViewLook } from './views.rules';

const aView = (change: Partial<OpenView> = {}): OpenView => ({
  sessionId: 's1',
  kind: 'rtspsessions',
  path: 'robots/r1',
  protocol: 'rtsp',
  principalKind: 'user',
  principal: 'alice',
  address: '10.0.0.7',
  userAgent: 'VLC',
  startedAt: NOW - 60_000,
  lastSeenAt: NOW,
  outboundBytes: 1_000,
  writtenAt: NOW,
  absentLooks: 0,
  ...change,
});
const look = (
  sessions: MediaSession[],
  { afterMs = 1_000, admissions = [], reason, nodeStartedAt = 0 }: LookOptions = {},
): ViewLook => ({
  sessions,
  admissions: admissionsOf(...admissions),
  cuts: { reasonOf: () => reason },
  nodeStartedAt,
  now: NOW + afterMs,
});
interface LookOptions {
  afterMs?: number;
  admissions?: Admission[];
  reason?: string;
  nodeStartedAt?: number;
}
const said = (actions: ViewAction[]): string[] =>
  actions.map(
    (action) => `${action.do} ${action.view.sessionId}${action.do === 'close' ? ` ${action.reason}` : ''}`,
  );

describe('a session that reads', () => {
  it('opens a view, with who it is by the admission', () => {
    const { actions, after } = followViews([], look([aSession()], { admissions: [anAdmission()] }));
    expect(actions).toEqual([
      { do: 'open', view: aView({ lastSeenAt: NOW + 1_000, writtenAt: NOW + 1_000 }) },
    ]);
    expect(after).toEqual([actions[0].view]);
  });

  it.each([
    ['10.0.0.7:40000', '10.0.0.7'],
    ['[fe80::1%eth0]:40000', 'fe80::1%eth0'],
    ['', ''],
  ])('is unknown until the admission comes, its address %s known', (remoteAddr, address) => {
    const session = aSession({ remoteAddr, userAgent: 'Lavf\0' });
    const first = followViews([], look([session]));
    expect(first.after[0]).toMatchObject({
      principalKind: 'unknown',
      principal: 'unknown',
      address,
      userAgent: 'Lavf\u{fffd}',
    });
    const second = followViews(first.after, look([session], { afterMs: 2_000, admissions: [anAdmission()] }));
    expect(said(second.actions)).toEqual(['touch s1']);
    expect(second.after[0]).toMatchObject({ principalKind: 'user', principal: 'alice', userAgent: 'VLC' });
  });

  it.each<[string, Partial<MediaSession>]>([
    ['publishes', { state: 'publish' }],
    ['is only getting ready', { state: 'idle' }],
    ['has no path yet', { path: '' }],
  ])('is no view while it %s', (_name, change) => {
    expect(followViews([], look([aSession(change)])).actions).toEqual([]);
  });
});

describe('a view that goes on', () => {
  it('is written every 10 s at most', () => {
    let open = [aView()];
    const writes: number[] = [];
    for (let afterMs = 1_000; afterMs <= 25_000; afterMs += 1_000) {
      const { actions, after } = followViews(open, look([aSession({ outboundBytes: afterMs })], { afterMs }));
      if (actions.length > 0) writes.push(afterMs);
      open = after;
    }
    expect(writes).toEqual([10_000, 20_000]);
    expect(open[0]).toMatchObject({ lastSeenAt: NOW + 25_000, outboundBytes: 25_000 });
  });

  it('never counts backwards', () => {
    const { after } = followViews([aView()], look([aSession({ outboundBytes: 3 })]));
    expect(after[0].outboundBytes).toBe(1_000);
  });
});

describe('a view without its session', () => {
  it('survives one look and ends with the second, when it was last seen', () => {
    const first = followViews([aView()], look([], { afterMs: 1_000 }));
    expect(first.actions).toEqual([]);
    const second = followViews(first.after, look([], { afterMs: 2_000 }));
    expect(said(second.actions)).toEqual(['close s1 left']);
    expect(second.actions[0].view.lastSeenAt).toBe(NOW);
    expect(second.after).toEqual([]);
  });

  it('goes on when the session is back', () => {
    const first = followViews([aView()], look([]));
    const second = followViews(first.after, look([aSession()]));
    expect([second.actions, second.after[0].absentLooks]).toEqual([[], 0]);
  });

  it('says why it was cut', () => {
    const { actions } = followViews([aView({ absentLooks: 1 })], look([], { reason: 'leave_at' }));
    expect(said(actions)).toEqual(['close s1 leave_at']);
  });

  it('ends at once when the server has restarted since', () => {
    const views = [aView(), aView({ sessionId: 's2', startedAt: NOW + 500 })];
    const { actions } = followViews(views, look([], { nodeStartedAt: NOW + 400 }));
    expect(said(actions)).toEqual(['close s1 node_restarted']);
  });
});

import type { Admission } from './admission';
import { AdmissionQueue } from './admission-queue';

const anAdmission = (sessionId: string, principal = 'viewer'): Admission => ({
  sessionId,
  node: 'main',
  at: 1,
  action: 'read',
  path: 'robots/r1',
  protocol: 'rtsp',
  address: '10.0.0.7',
  userAgent: '',
  principalKind: 'user',
  principal,
  grantId: null,
  keyHash: null,
  ticketId: null,
  ticketFamily: null,
  leaveAt: null,
});
const ids = (admissions: Admission[]): string[] => admissions.map(({ sessionId }) => sessionId);

describe('AdmissionQueue', () => {
  it('hands the oldest out first and keeps them until they are written', () => {
    const queue = new AdmissionQueue(10);
    for (const id of ['a', 'b', 'c']) queue.add(anAdmission(id));
    expect(ids(queue.peek(2))).toEqual(['a', 'b']);
    expect(queue.size).toBe(3);
    queue.done(queue.peek(2));
    expect(ids(queue.peek(9))).toEqual(['c']);
  });

  it('holds one per session, the newest, at the end', () => {
    const queue = new AdmissionQueue(10);
    for (const [id, who] of [
      ['a', 'one'],
      ['b', 'two'],
      ['a', 'three'],
    ])
      queue.add(anAdmission(id, who));
    expect(queue.peek(9).map(({ sessionId, principal }) => [sessionId, principal])).toEqual([
      ['b', 'two'],
      ['a', 'three'],
    ]);
  });

  it('keeps what came while the older one was being written', () => {
    const queue = new AdmissionQueue(10);
    queue.add(anAdmission('a', 'older'));
    const batch = queue.peek(1);
    queue.add(anAdmission('a', 'newer'));
    queue.done(batch);
    expect(queue.peek(9).map(({ principal }) => principal)).toEqual(['newer']);
  });

  it('drops the oldest when it is full, and counts them', () => {
    const queue = new AdmissionQueue(2);
    for (const id of ['a', 'b', 'c', 'd']) queue.add(anAdmission(id));
    expect(ids(queue.peek(9))).toEqual(['c', 'd']);
    expect(queue.dropped).toBe(2);
  });
});

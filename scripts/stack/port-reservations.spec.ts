import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { identify } from './process-identity';
import { PortReservations } from './port-reservations';

describe('reserved ports', () => {
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'rovercast-ports-test-'))));
  afterEach(() => rmSync(folder, { recursive: true }));

  const heldBy = (pid: number, mark?: string): void =>
    writeFileSync(join(folder, '3000'), JSON.stringify(mark ? { pid, mark } : identify(pid)));

  it('can be had when nobody has them', () => {
    const reservations = new PortReservations(folder);
    expect(reservations.take(3000)).toBe(true);
    expect(readdirSync(folder)).toEqual(['3000']);
    reservations.release();
    expect(readdirSync(folder)).toEqual([]);
  });

  it('cannot be had twice', () => {
    const reservations = new PortReservations(folder);
    reservations.take(3000);
    expect(reservations.take(3000)).toBe(false);
  });

  it('cannot be had while another launcher has them', () => {
    heldBy(process.ppid);
    const reservations = new PortReservations(folder);
    expect(reservations.take(3000)).toBe(false);
    reservations.release();
    expect(readdirSync(folder)).toEqual(['3000']);
  });

  it('can be had when their owner is gone', () => {
    heldBy(process.ppid, 'another process with this pid');
    expect(new PortReservations(folder).take(3000)).toBe(true);
  });

  it('can be had when the note is damaged', () => {
    writeFileSync(join(folder, '3000'), '{');
    expect(new PortReservations(folder).take(3000)).toBe(true);
  });
});

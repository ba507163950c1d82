/** Writes the first line of each kind at once, and then at most one in `everyMs` with the number it stands for. */
export class SparseWarnings {
  private readonly lastByKind = new Map<string, { at: number; held: number }>();

  constructor(
    private readonly write: (line: { msg: string } & Record<string, unknown>) => void,
    private readonly everyMs = 60_000,
    private readonly now: () => number = () => performance.now(),
  ) {}

  /** `kind` comes from a closed set, never from a message. */
  warn(kind: string, line: Record<string, unknown> = {}): void {
    const now = this.now();
    const last = this.lastByKind.get(kind);
    if (last && now - last.at < this.everyMs) {
      last.held += 1;
      return;
    }
    this.lastByKind.set(kind, { at: now, held: 0 });
    this.write({ msg: kind, ...line, ...(last?.held && { alsoSince: last.held }) });
  }
}

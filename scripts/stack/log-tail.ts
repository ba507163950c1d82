import { closeSync, openSync, readSync } from 'node:fs';
import { StringDecoder } from 'node:string_decoder';

const POLL_MS = 150;
const CHUNK_BYTES = 64 * 1024;

/**
 * Follows a log that another process writes, line by line. The process has the file itself and no pipe to us: it can write its
 * last words when we are gone, and does not stumble over a broken pipe (sonic-boom 4.2 retries one for ever while it exits).
 */
export class LogTail {
  private readonly descriptor: number;
  private readonly timer: NodeJS.Timeout;
  private readonly chunk = Buffer.alloc(CHUNK_BYTES);
  private readonly decoder = new StringDecoder('utf8');
  private rest = '';

  constructor(
    file: string,
    private readonly onLine: (line: string) => void,
  ) {
    this.descriptor = openSync(file, 'r');
    this.timer = setInterval(() => this.read(), POLL_MS);
    this.timer.unref();
  }

  /** Reads what is there, and stops following. */
  close(): void {
    clearInterval(this.timer);
    this.read();
    if (this.rest !== '') this.onLine(this.rest);
    closeSync(this.descriptor);
  }

  private read(): void {
    for (;;) {
      const length = readSync(this.descriptor, this.chunk);
      if (length === 0) return;
      const lines = (this.rest + this.decoder.write(this.chunk.subarray(0, length))).split('\n');
      this.rest = lines.pop() ?? '';
      lines.forEach((line) => this.onLine(line));
    }
  }
}

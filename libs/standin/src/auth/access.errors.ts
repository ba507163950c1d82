/** The door said no. `asks` when the client showed no credentials and may be challenged for them. */
export class AuthDeniedError extends Error {
  readonly asks: boolean;

  constructor(asks: boolean) {
    super('authentication error');
    this.asks = asks;
  }
}

/** Nobody publishes on the path, and nobody is waited for. */
export class NoStreamError extends Error {
  constructor(path: string) {
    super(`no stream is available on path '${path}'`);
  }
}

/** The path cannot be used: illegal name, not configured, source timed out, … */
export class PathRefusedError extends Error {}

/**
 * Every failure that a caller of Rovercast can see, with the HTTP status it maps to.
 * Codes are stable: clients switch on them. Statuses follow RFC 9110.
 */
export const ERROR_STATUS = {
  INVALID_INPUT: 400,
  UNAUTHENTICATED: 401,
  FORBIDDEN: 403,
  NOT_FOUND: 404,
  CONFLICT: 409,
  PAYLOAD_TOO_LARGE: 413,
  UNSUPPORTED_MEDIA_TYPE: 415,
  ROBOT_REJECTED: 422,
  TOO_MANY_REQUESTS: 429,
  ROBOT_BUSY: 429,
  QUOTA_EXCEEDED: 429,
  INTERNAL: 500,
  LEGACY_BROKER_UNREACHABLE: 502,
  BROKER_UNREACHABLE: 503,
  DATABASE_UNREACHABLE: 503,
  ROBOT_OFFLINE: 503,
  ROBOT_TIMEOUT: 504,
  STREAM_TIMEOUT: 504,
} as const;

export type ErrorCode = keyof typeof ERROR_STATUS;

/** One bad field of a request: where it is (`profile.width`) and what is wrong with it. */
export interface FieldProblem {
  field: string;
  message: string;
}

interface DomainErrorExtras {
  fields?: FieldProblem[];
  /** Seconds after which a retry makes sense (HTTP Retry-After). */
  retryAfterSeconds?: number;
  /** Further members of the problem document, e.g. `usage` of a refused quota. */
  details?: Record<string, unknown>;
  cause?: unknown;
}

/** A failure with a stable code. Services throw it; one filter per transport turns it into an answer. */
export class DomainError extends Error {
  override readonly name = 'DomainError';
  readonly fields: FieldProblem[];
  readonly retryAfterSeconds?: number;
  readonly details: Record<string, unknown>;

  constructor(
    readonly code: ErrorCode,
    message: string,
    extras: DomainErrorExtras = {},
  ) {
    super(message, extras.cause === undefined ? undefined : { cause: extras.cause });
    this.fields = extras.fields ?? [];
    this.retryAfterSeconds = extras.retryAfterSeconds;
    this.details = extras.details ?? {};
  }
}

/** Closes a union switch: the compiler fails when a case is missing. */
export function assertNever(value: never): never {
  throw new Error(`unexpected value ${JSON.stringify(value)}`);
}

/** Why a call to MediaMTX's API gave no answer that can be used. */
export type MediaApiErrorKind = 'unreachable' | 'timeout' | 'unauthorized' | 'malformed' | 'status';

/** A failed API call. Its text names the call, never credentials, a query or a whole body. */
export class MediaApiError extends Error {
  override readonly name = 'MediaApiError';
  readonly kind: MediaApiErrorKind;
  /** HTTP status, when there was one. */
  readonly status: number | undefined;

  constructor(kind: MediaApiErrorKind, message: string, status?: number) {
    super(message);
    this.kind = kind;
    this.status = status;
  }
}

import {
  Catch,
  HttpException,
  type ArgumentsHost,
  type ExceptionFilter,
  type LoggerService,
} from '@nestjs/common';
import { ApiProperty } from '@nestjs/swagger';
import { DomainError, ERROR_STATUS, type ErrorCode, type FieldProblem } from '@rovercast/contracts';
import type { FastifyReply, FastifyRequest } from 'fastify';

/** An error answer: RFC 9457 problem details with a stable `code`. */
export class Problem {
  /** URI that names the kind of problem. */
  @ApiProperty({ example: 'https://rovercast.dev/problems/ROBOT_OFFLINE' })
  type: string;
  @ApiProperty({ example: 'the robot is offline' })
  title: string;
  @ApiProperty({ example: 503 })
  status: number;
  /** Stable name of the failure, for programs. */
  @ApiProperty({ example: 'ROBOT_OFFLINE' })
  code: string;
  /** One entry for each bad field. */
  @ApiProperty({
    required: false,
    example: [{ field: 'profile.width', message: 'profile.width must not be less than 16' }],
  })
  fields?: FieldProblem[];
}

const CODE_BY_STATUS: Record<number, ErrorCode> = {
  400: 'INVALID_INPUT',
  401: 'UNAUTHENTICATED',
  403: 'FORBIDDEN',
  404: 'NOT_FOUND',
  409: 'CONFLICT',
  413: 'PAYLOAD_TOO_LARGE',
  415: 'UNSUPPORTED_MEDIA_TYPE',
  429: 'TOO_MANY_REQUESTS',
};

/** Postgres and socket failures that mean "not now" rather than "a bug". */
const DATABASE_DOWN = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  '57P01',
  '57P02',
  '57P03',
  '53300',
  '08006',
  '08001',
  '57014',
  '55P03',
  '40P01',
  '40001',
]);

/** Postgres refused a value: a NUL, no uuid, a number out of range, a character that JSON cannot hold. */
const VALUE_REFUSED = new Set(['22021', '22P02', '22P05', '22003']);

function statusOf(error: unknown): number | undefined {
  if (error instanceof HttpException) return error.getStatus();
  const status = (error as { statusCode?: unknown } | null)?.statusCode;
  return typeof status === 'number' && status >= 400 && status < 500 ? status : undefined;
}

function isValueRefused(error: unknown): boolean {
  const { code, driverError } = (error ?? {}) as { code?: string; driverError?: { code?: string } };
  return VALUE_REFUSED.has(code ?? driverError?.code ?? '');
}

function isDatabaseDown(error: unknown): boolean {
  const { code, driverError, message } = (error ?? {}) as {
    code?: string;
    driverError?: { code?: string; message?: string };
    message?: string;
  };
  const text = `${message ?? ''} ${driverError?.message ?? ''}`;
  return (
    DATABASE_DOWN.has(code ?? '') ||
    DATABASE_DOWN.has(driverError?.code ?? '') ||
    /Connection terminated|timeout exceeded when trying to connect|Query read timeout/.test(text)
  );
}

/** Any thrown thing as a DomainError: foreign errors lose their text, so that nothing internal reaches a caller. */
export function toDomainError(error: unknown): DomainError {
  if (error instanceof DomainError) return error;
  const status = statusOf(error);
  if (status !== undefined) {
    const code = CODE_BY_STATUS[status] ?? (status < 500 ? 'INVALID_INPUT' : 'INTERNAL');
    return new DomainError(code, TITLES[code] ?? 'the request is not valid', { cause: error });
  }
  if (isDatabaseDown(error)) {
    return new DomainError('DATABASE_UNREACHABLE', 'the database cannot be reached right now', {
      cause: error,
      retryAfterSeconds: 2,
    });
  }
  if (isValueRefused(error))
    return new DomainError('INVALID_INPUT', 'the request is not valid', { cause: error });
  return new DomainError('INTERNAL', 'something went wrong on our side', { cause: error });
}

const TITLES: Partial<Record<ErrorCode, string>> = {
  INVALID_INPUT: 'the request is not valid',
  UNAUTHENTICATED: 'log in first',
  FORBIDDEN: 'you may not do that',
  NOT_FOUND: 'there is no such thing',
  PAYLOAD_TOO_LARGE: 'the body is too large',
  UNSUPPORTED_MEDIA_TYPE: 'send application/json',
  TOO_MANY_REQUESTS: 'too many requests',
};

/** Turns every failure of an HTTP request into a problem document, and logs those that are our fault. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  constructor(private readonly logger: LoggerService) {}

  catch(thrown: unknown, host: ArgumentsHost): void {
    if (host.getType() !== 'http') throw thrown;
    const error = toDomainError(thrown);
    const request = host.switchToHttp().getRequest<FastifyRequest>();
    const reply = host.switchToHttp().getResponse<FastifyReply>();
    if (error.code === 'INTERNAL') {
      const cause = error.cause instanceof Error ? error.cause : error;
      this.logger.error({
        msg: 'request failed',
        route: request.routeOptions?.url,
        requestId: request.id,
        error: cause.stack,
      });
    }
    sendProblem(error, reply);
  }
}

/** Answers a request with the problem document of a failure. */
export function sendProblem(error: DomainError, reply: FastifyReply): void {
  const status = ERROR_STATUS[error.code];
  const problem: Problem & Record<string, unknown> = {
    ...error.details,
    type: `https://rovercast.dev/problems/${error.code}`,
    title: error.message,
    status,
    code: error.code,
    ...(error.fields.length > 0 && { fields: error.fields }),
  };
  if (error.retryAfterSeconds !== undefined)
    void reply.header('retry-after', String(error.retryAfterSeconds));
  if (status === 401) void reply.header('www-authenticate', 'Bearer realm="rovercast"');
  void reply
    .status(status)
    .header('content-type', 'application/problem+json; charset=utf-8')
    .send(JSON.stringify(problem));
}

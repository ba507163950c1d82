import { ValidationPipe, type ArgumentMetadata, type DynamicModule, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { DomainError, fieldProblems, isTooDeep } from '@rovercast/contracts';
import type { FastifyReply } from 'fastify';
import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { JsonLogger } from './logger';
import { ProblemFilter, sendProblem, toDomainError } from './problem.filter';

interface HttpAppOptions {
  /** Name of the app, on every log line. */
  name: string;
  logLevel: string;
  /** Largest accepted body in bytes. */
  bodyLimitBytes?: number;
  /** Drop unknown fields instead of refusing them: for callers that grow fields between their releases. */
  tolerateUnknownFields?: boolean;
  /** How long a client may take to send its request, and the headers of it, in milliseconds; 30 s for the request by default. */
  timeouts?: { requestMs: number; headersMs: number };
  logger?: JsonLogger;
}

/** Node looks for late clients this often, in milliseconds; 30 s by default. */
const LOOK_FOR_LATE_MS = 250;

class InputPipe extends ValidationPipe {
  override async transform(value: unknown, metadata: ArgumentMetadata): Promise<unknown> {
    if (metadata.type !== 'custom' && isTooDeep(value))
      throw new DomainError('INVALID_INPUT', 'the request is nested too deeply');
    return super.transform(value, metadata);
  }
}

/** Bodies and queries are checked against their DTO; unknown fields are refused by name, or dropped when asked to. */
export function inputPipe({ tolerateUnknownFields = false } = {}): ValidationPipe {
  return new InputPipe({
    transform: true,
    whitelist: true,
    forbidNonWhitelisted: !tolerateUnknownFields,
    forbidUnknownValues: true,
    exceptionFactory: (errors) => {
      const fields = fieldProblems(errors);
      return new DomainError('INVALID_INPUT', fields.map((f) => f.message).join('; '), { fields });
    },
  });
}

/**
 * A Nest application on Fastify with our problem documents, input checks and headers. Not yet listening. Bodies are JSON and
 * nothing else: a form or plain text is what a page of somebody else can send without asking.
 * Request ids come from `X-Request-Id` when it is a plain token, else they are made.
 */
export async function createHttpApp(
  module: DynamicModule | Type<unknown>,
  options: HttpAppOptions,
): Promise<NestFastifyApplication> {
  const logger = options.logger ?? new JsonLogger(options.logLevel, options.name);
  const adapter = new FastifyAdapter({
    bodyLimit: options.bodyLimitBytes ?? 100_000,
    requestTimeout: options.timeouts?.requestMs ?? 30_000,
    ...(options.timeouts && {
      http: { headersTimeout: options.timeouts.headersMs, connectionsCheckingInterval: LOOK_FOR_LATE_MS },
    }),
    forceCloseConnections: true,
    routerOptions: { maxParamLength: 256 },
    frameworkErrors: (error: Error, _request: unknown, reply: FastifyReply) =>
      sendProblem(toDomainError(error), reply),
    genReqId: (request: IncomingMessage) => {
      const given = request.headers['x-request-id'];
      return typeof given === 'string' && /^[\w-]{1,64}$/.test(given) ? given : randomUUID();
    },
  });
  const app = await NestFactory.create<NestFastifyApplication>(module, adapter, {
    logger,
    abortOnError: false,
    bodyParser: false,
  });
  const fastify = app.getHttpAdapter().getInstance();
  fastify.removeContentTypeParser('text/plain');
  // Many clients name JSON on a DELETE or POST that has no body.
  const parseJson = fastify.getDefaultJsonParser('error', 'error');
  fastify.removeContentTypeParser('application/json');
  fastify.addContentTypeParser<string>('application/json', { parseAs: 'string' }, (request, body, done) =>
    body === '' ? done(null, undefined) : void parseJson(request, body, done),
  );
  fastify.addHook('onRequest', (request, reply, done) => {
    void reply.headers({
      'x-request-id': request.id,
      'x-content-type-options': 'nosniff',
      'cache-control': 'no-store',
      'referrer-policy': 'no-referrer',
    });
    done();
  });
  app.useGlobalPipes(inputPipe(options));
  app.useGlobalFilters(new ProblemFilter(logger));
  return app;
}

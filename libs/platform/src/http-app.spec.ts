import { Body, Controller, Get, HttpException, Module, Param, Post, Query } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { DomainError } from '@rovercast/contracts';
import { Type } from 'class-transformer';
import { IsInt, IsOptional, IsString, Max, ValidateNested } from 'class-validator';
import { connect, type AddressInfo } from 'node:net';
import { Counter, Registry } from 'prom-client';
import { HealthModule } from './health.module';
import { createHttpApp } from './http-app';
import { JsonLogger } from './logger';
import { MetricsModule } from './metrics.module';

const CANARY = 'c4n4ry';

class Size {
  @IsInt()
  @Max(100)
  width: number;
}
class Thing {
  @IsString()
  name: string;

  @IsOptional()
  @ValidateNested()
  @Type(() => Size)
  size?: Size;
}
class Page {
  @IsOptional()
  @Type(() => Number)
  @IsInt()
  limit?: number;
}

const failures: Record<string, () => unknown> = {
  domain: () => new DomainError('ROBOT_OFFLINE', 'the robot is offline', { retryAfterSeconds: 5 }),
  details: () =>
    new DomainError('TOO_MANY_REQUESTS', 'full', {
      details: { usage: 3, status: 200, code: 'OK', title: 'x' },
    }),
  error: () => new Error(`SELECT ${CANARY}`),
  text: () => CANARY,
  nothing: () => undefined,
  teapot: () => new HttpException(CANARY, 418),
  gateway: () => new HttpException(CANARY, 502),
  refused: () => Object.assign(new Error(CANARY), { code: 'ECONNREFUSED' }),
  mute: () => new Error('Query read timeout'),
  pool: () => new Error('timeout exceeded when trying to connect'),
  deadlock: () => Object.assign(new Error(CANARY), { driverError: { code: '40P01' } }),
  nul: () => Object.assign(new Error(CANARY), { driverError: { code: '22021' } }),
  uuid: () => Object.assign(new Error(CANARY), { code: '22P02' }),
};

@Controller('things')
class ThingsController {
  @Post()
  create(@Body() thing: Thing): Thing {
    return thing;
  }

  @Get()
  list(@Query() page: Page): Page {
    return page;
  }

  @Get('fail/:how')
  fail(@Param('how') how: string): void {
    throw failures[how]();
  }
}

let ready = true;

@Module({
  imports: [
    MetricsModule,
    HealthModule.with<[]>({
      inject: [],
      checks: () => ({
        database: () => {
          if (!ready) throw new Error('not there');
        },
        clock: () => Promise.resolve(),
      }),
    }),
  ],
  controllers: [ThingsController],
})
class TinyModule {}

const written: string[] = [];
const open = (): Promise<NestFastifyApplication> =>
  createHttpApp(TinyModule, {
    name: 'tiny',
    logLevel: 'debug',
    bodyLimitBytes: 10_000,
    logger: new JsonLogger('debug', 'tiny', { write: (line) => written.push(line) }),
  });

describe('an app made by createHttpApp', () => {
  let app: NestFastifyApplication;

  beforeAll(async () => {
    app = await open();
    await app.listen(0, '127.0.0.1');
  });
  afterAll(() => app.close());
  beforeEach(() => written.splice(0));

  const json = { 'content-type': 'application/json' };
  const post = (payload: string | Buffer, headers: Record<string, string> = json) =>
    app.inject({ method: 'POST', url: '/things', headers, payload });
  const expectProblem = (
    answer: { statusCode: number; headers: Record<string, unknown>; body: string },
    status: number,
    code: string,
  ): Record<string, any> => {
    const problem = JSON.parse(answer.body) as Record<string, unknown>;
    expect(problem).toMatchObject({ status, code, type: `https://rovercast.dev/problems/${code}` });
    expect(answer.statusCode).toBe(status);
    expect(answer.headers['content-type']).toBe('application/problem+json; charset=utf-8');
    expect(answer.body).not.toContain(CANARY);
    expect(answer.body).not.toMatch(/\bat .*\.[jt]s|node_modules|"stack"/);
    return problem;
  };

  it('answers a good request, with our headers and the request id that came', async () => {
    const answer = await post('{"name":"x"}', { ...json, 'x-request-id': 'abc-1' });
    expect(answer.statusCode).toBe(201);
    expect(answer.json()).toEqual({ name: 'x' });
    expect(answer.headers).toMatchObject({
      'x-request-id': 'abc-1',
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
    });
    expect(answer.headers).not.toHaveProperty('access-control-allow-origin');
  });

  it.each(['a b', 'x'.repeat(65), '<script>', ''])('makes a request id of its own for %j', async (given) => {
    const answer = await post('{"name":"x"}', { ...json, 'x-request-id': given });
    expect(answer.headers['x-request-id']).toMatch(/^[0-9a-f-]{36}$/);
  });

  it.each([
    ['half an object', '{"name":'],
    ['text', 'name=x'],
    ['nothing', ''],
    ['a byte order mark in the middle', '{\ufeff"name":"x"}'],
    ['UTF-16', Buffer.from('{"name":"x"}', 'utf16le')],
    ['a prototype', '{"name":"x","__proto__":{"admin":true}}'],
    ['a constructor', '{"name":"x","constructor":{"prototype":{"admin":true}}}'],
    ['a list', '[]'],
    ['null', 'null'],
    ['a number', '7'],
  ])('400 for %s in the place of JSON', async (_what, payload) => {
    expectProblem(await post(payload), 400, 'INVALID_INPUT');
    expect(({} as { admin?: boolean }).admin).toBeUndefined();
  });

  it('400 for 4,000 nested lists, and no overflow', async () => {
    const nest = (n: number): string => '['.repeat(n) + ']'.repeat(n);
    expectProblem(await post(`{"name":${nest(4_000)}}`), 400, 'INVALID_INPUT');
    expectProblem(await post(`{"size":${nest(4_000)}}`), 400, 'INVALID_INPUT');
  });

  it('413 for a body over the limit', async () => {
    expectProblem(await post(`{"name":"${'x'.repeat(10_001)}"}`), 413, 'PAYLOAD_TOO_LARGE');
  });

  it.each([
    'text/plain',
    'application/x-www-form-urlencoded',
    'application/xml',
    'multipart/form-data',
    'nonsense',
  ])('415 for %s', async (type) => {
    expectProblem(await post('name=x', { 'content-type': type }), 415, 'UNSUPPORTED_MEDIA_TYPE');
  });

  it.each([
    ['GET', '/nowhere'],
    ['DELETE', '/things'],
    ['GET', '/things/../etc/passwd'],
    ['GET', `/things/${'x'.repeat(5_000)}`],
    ['GET', '/things/fail'],
  ] as const)('404 for %s %s', async (method, url) => {
    expectProblem(await app.inject({ method, url }), 404, 'NOT_FOUND');
  });

  it('400 for a URL that cannot be decoded', async () => {
    expectProblem(await app.inject({ method: 'GET', url: '/things/fail/%zz' }), 400, 'INVALID_INPUT');
  });

  it('names each bad field, nested ones by their path', async () => {
    const problem = expectProblem(
      await post(`{"name":7,"size":{"width":"${CANARY}"}}`),
      400,
      'INVALID_INPUT',
    );
    const fields = (problem.fields as { field: string }[]).map(({ field }) => field);
    expect([...new Set(fields)].sort()).toEqual(['name', 'size.width']);
  });

  it('names an unknown field', async () => {
    const problem = expectProblem(
      await post('{"name":"x","size":{"width":1,"depth":2},"colour":1}'),
      400,
      'INVALID_INPUT',
    );
    expect(problem.fields).toEqual(
      expect.arrayContaining([
        { field: 'colour', message: 'property colour should not exist' },
        { field: 'size.depth', message: 'property size.depth should not exist' },
      ]),
    );
  });

  it('checks queries too', async () => {
    const problem = expectProblem(await app.inject('/things?limit=many'), 400, 'INVALID_INPUT');
    expect(problem.fields[0].field).toBe('limit');
    expect((await app.inject('/things?limit=5')).json()).toEqual({ limit: 5 });
  });

  it.each([
    ['error', 500, 'INTERNAL'],
    ['text', 500, 'INTERNAL'],
    ['nothing', 500, 'INTERNAL'],
    ['gateway', 500, 'INTERNAL'],
    ['teapot', 400, 'INVALID_INPUT'],
    ['refused', 503, 'DATABASE_UNREACHABLE'],
    ['mute', 503, 'DATABASE_UNREACHABLE'],
    ['pool', 503, 'DATABASE_UNREACHABLE'],
    ['deadlock', 503, 'DATABASE_UNREACHABLE'],
    ['nul', 400, 'INVALID_INPUT'],
    ['uuid', 400, 'INVALID_INPUT'],
    ['domain', 503, 'ROBOT_OFFLINE'],
  ])('a thrown %s is %i %s, without its text', async (how, status, code) => {
    expectProblem(await app.inject(`/things/fail/${how}`), status, code);
  });

  it('says when to come back', async () => {
    expect((await app.inject('/things/fail/domain')).headers['retry-after']).toBe('5');
    expect((await app.inject('/things/fail/refused')).headers['retry-after']).toBe('2');
  });

  it('adds details, which never replace the standard members', async () => {
    const problem = expectProblem(await app.inject('/things/fail/details'), 429, 'TOO_MANY_REQUESTS');
    expect(problem).toMatchObject({ usage: 3, title: 'full' });
  });

  it('logs what is our fault once, with the request id and the stack, and nothing else', async () => {
    const { headers } = await app.inject('/things/fail/error?token=abc');
    await app.inject('/things/fail/domain');
    expect(written).toHaveLength(1);
    const line = JSON.parse(written[0]) as Record<string, string>;
    expect(line).toMatchObject({ level: 'error', msg: 'request failed', requestId: headers['x-request-id'] });
    expect(line.route).toBe('/things/fail/:how');
    expect(line.error).toContain('http-app.spec.ts');
  });

  it.each([
    ['no HTTP', 'hello\r\n\r\n'],
    [
      'two lengths',
      'POST /things HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    ],
    ['a header of 20 kB', `GET / HTTP/1.1\r\nHost: x\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`],
    ['an unknown method', 'BREW / HTTP/1.1\r\nHost: x\r\n\r\n'],
  ])('answers %s with a 4xx and stays up', async (_what, text) => {
    const { port } = app.getHttpServer().address() as AddressInfo;
    const answer = await new Promise<string>((resolve, reject) => {
      const socket = connect(port, '127.0.0.1', () => socket.write(text));
      socket.once('data', (data) => {
        socket.destroy();
        resolve(data.toString());
      });
      socket.once('error', reject);
    });
    expect(answer).toMatch(/^HTTP\/1\.1 4\d\d /);
    expect((await app.inject('/health/live')).statusCode).toBe(200);
  });

  describe('health', () => {
    afterEach(() => (ready = true));

    it('is ready when every part is', async () => {
      const answer = await app.inject('/health/ready');
      expect([answer.statusCode, answer.json()]).toEqual([200, { status: 'ok', missing: {} }]);
    });

    it('names what is missing, and lives all the same', async () => {
      ready = false;
      const answer = await app.inject('/health/ready');
      expect([answer.statusCode, answer.json()]).toEqual([
        503,
        { status: 'unavailable', missing: { database: 'not there' } },
      ]);
      expect((await app.inject('/health/live')).json()).toEqual({ status: 'ok' });
    });
  });

  describe('metrics', () => {
    it('are in the Prometheus format', async () => {
      const answer = await app.inject('/metrics');
      expect(answer.headers['content-type']).toContain('text/plain; version=0.0.4');
      expect(answer.body).toContain('process_cpu_seconds_total');
    });

    it('belong to one app, however many run in a process', async () => {
      const other = await open();
      try {
        await other.init();
        for (const each of [app, other]) {
          new Counter({ name: 'things_total', help: 'x', registers: [each.get(Registry)] });
        }
        (app.get(Registry).getSingleMetric('things_total') as Counter).inc(3);
        await other.getHttpAdapter().getInstance().ready();
        expect((await app.inject('/metrics')).body).toContain('things_total 3');
        expect((await other.inject('/metrics')).body).toContain('things_total 0');
      } finally {
        await other.close();
      }
    });
  });
});

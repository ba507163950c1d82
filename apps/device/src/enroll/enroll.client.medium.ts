import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { enroll } from './enroll.client';

describe('enroll', () => {
  let server: Server;
  let asked: { line: string; body: unknown }[] = [];
  let answer: [number, string];

  const url = (path = ''): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`;

  const bodyOf = async (request: IncomingMessage): Promise<unknown> => {
    let text = '';
    for await (const chunk of request) text += String(chunk);
    return JSON.parse(text);
  };

  beforeAll(async () => {
    server = createServer((request, response) => {
      void bodyOf(request).then((body) => {
        asked.push({ line: `${request.method} ${request.url}`, body });
        response.writeHead(answer[0], { 'content-type': 'application/json' }).end(answer[1]);
      });
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
  });

  afterAll(() => server.close());

  beforeEach(() => (asked = []));

  it.each(['', '/', '/base'])('asks with the code at %j + /v1/enroll', async (path) => {
    answer = [200, JSON.stringify({ robotId: 'r1', dotenv: 'ROBOT_ID=r1\n', more: 1 })];
    expect(await enroll(url(path), 'ABCD-1234')).toEqual({ robotId: 'r1', dotenv: 'ROBOT_ID=r1\n' });
    expect(asked).toEqual([
      { line: `POST ${path.replace(/\/$/, '')}/v1/enroll`, body: { code: 'ABCD-1234' } },
    ]);
  });

  it.each<[string, [number, string], RegExp]>([
    ['a spent code', [404, '{"detail":"no such code"}'], /refused the code \(404: no such code\)/],
    ['a gateway that is not one', [502, '<html>'], /refused the code \(502\)/],
    ['an answer that is no enrolment', [200, '{"robotId":"../x","dotenv":"A=1"}'], /no enrolment/],
    ['an answer without settings', [200, '{"robotId":"r1"}'], /no enrolment/],
    ['an endless answer', [200, 'x'.repeat(70_000)], /too long/],
    ['a redirect', [302, ''], /refused the code \(302\)/],
  ])('says what is wrong with %s', async (_, given, message) => {
    answer = given;
    await expect(enroll(url(), 'c')).rejects.toThrow(message);
  });

  it.each([
    ['http://192.0.2.7', /key to the network/],
    ['ftp://127.0.0.1', /not an http/],
    ['nonsense', /not an http/],
    ['http://127.0.0.1:9', /cannot be asked/],
  ])('refuses %s', async (address, message) => {
    await expect(enroll(address, 'c')).rejects.toThrow(message);
  });
});

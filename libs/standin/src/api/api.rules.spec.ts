import { goJson } from '../go-json.rules';
import { formatDuration, parseDurationMs } from './duration.rules';
import { paginate } from './paging.rules';
import { checkConf, effectiveConf, parseConfBody } from './path-conf.rules';
import { findRoute, type Route, slashRedirect } from './routes';
import { parseUuid } from './uuid.rules';

const ID = '1b2e590f-a178-4042-a854-70ca490be696';

describe('paginate', () => {
  const five = [1, 2, 3, 4, 5];

  it.each([
    [five, null, null, 1, five],
    [five, '2', null, 3, [1, 2]],
    [five, '2', '2', 3, [5]],
    [five, '2', '3', 3, []],
    [five, '5', '0', 1, five],
    [five, '1000000', '2147483647', 1, []],
    [[], '2', '0', 0, []],
    [five, '', '', 1, five],
  ])('cuts %j by %j, page %j', (items, size, page, pageCount, expected) => {
    expect(paginate(items, size, page)).toEqual({ itemCount: items.length, pageCount, items: expected });
  });

  it.each([
    ['0', null, 'invalid items per page'],
    ['x', null, 'strconv.ParseUint: parsing "x": invalid syntax'],
    ['+1', null, 'strconv.ParseUint: parsing "+1": invalid syntax'],
    ['2147483648', null, 'strconv.ParseUint: parsing "2147483648": value out of range'],
    [null, '-1', 'strconv.ParseUint: parsing "-1": invalid syntax'],
    [null, '1.5', 'strconv.ParseUint: parsing "1.5": invalid syntax'],
  ])('refuses %j, %j', (size, page, message) => {
    expect(() => paginate(five, size, page)).toThrow(message);
  });
});

describe('parseUuid', () => {
  it.each([ID, ID.toUpperCase(), ID.replaceAll('-', ''), `{${ID}}`, `urn:uuid:${ID}`])('takes %s', (text) => {
    expect(parseUuid(text)).toBe(ID);
  });

  it.each([
    ['', 'invalid UUID length: 0'],
    ['abc', 'invalid UUID length: 3'],
    [`z${ID.slice(1)}`, 'invalid UUID format'],
    [ID.replace('-', 'a'), 'invalid UUID format'],
    [`urn:xxxx:${ID}`, 'invalid urn prefix: "urn:xxxx:"'],
  ])('refuses %j', (text, message) => {
    expect(() => parseUuid(text)).toThrow(message);
  });
});

describe('durations', () => {
  it.each([
    ['10s', 10_000, '10s'],
    ['90s', 90_000, '1m30s'],
    ['1h', 3_600_000, '1h0m0s'],
    ['1d', 86_400_000, '1d'],
    ['1d2h', 93_600_000, '1d2h0m0s'],
    ['1.5s', 1_500, '1.5s'],
    ['200ms', 200, '200ms'],
    ['0s', 0, ''],
  ])('%s is %i ms and reads back as %j', (text, ms, shown) => {
    expect(parseDurationMs(text)).toBe(ms);
    expect(formatDuration(ms)).toBe(shown);
  });

  it.each([
    ['', 'time: invalid duration ""'],
    ['x', 'time: invalid duration "x"'],
    ['5', 'time: missing unit in duration "5"'],
    ['5x', 'time: unknown unit "x" in duration "5x"'],
  ])('refuses %j', (text, message) => {
    expect(() => parseDurationMs(text)).toThrow(message);
  });
});

describe('path configurations', () => {
  it('are shown whole', () => {
    const full = effectiveConf('a', { source: 'rtsp://h/x', maxReaders: null });
    expect(full).toMatchObject({ name: 'a', source: 'rtsp://h/x', maxReaders: 0, overridePublisher: true });
  });

  it.each([
    ['~^a', { source: 'rtsp://h/$G1' }, /must have 'sourceOnDemand' set to true/],
    ['a', { source: 'rtsp://u@h/x' }, /must be both provided/],
    ['a', { source: 'rtsp://[/x' }, /is not a valid URL/],
    ['a', { sourceOnDemand: true }, /is useless/],
  ])('are refused: %s %j', (name, conf, message) => {
    expect(() => checkConf(name, conf)).toThrow(message);
  });

  it.each([
    ['null', 'json: cannot unmarshal object into'],
    ['{"forward":{}}', 'json: cannot unmarshal object into Go value of type array'],
    ['{"source":1}', 'json: cannot unmarshal number into Go value of type string'],
  ])('are not %s', (body) => {
    expect(() => parseConfBody(body)).toThrow();
  });
});

describe('routes', () => {
  const routes: Route[] = [
    { method: 'GET', path: '/v3/paths/list', run: () => 1 },
    { method: 'GET', path: '/v3/paths/get', param: 'name', run: () => 2 },
    { method: 'POST', path: '/v3/rtmpconns/kick', param: 'id', run: () => 3 },
  ];

  it.each([
    ['GET', '/v3/paths/list', ''],
    ['GET', '/v3/paths/get/a/b', 'a/b'],
    ['GET', '/v3/paths/get/', ''],
    ['POST', '/v3/rtmpconns/kick/x', 'x'],
  ])('finds %s %s', (method, path, param) => {
    expect(findRoute(routes, method, path)?.param).toBe(param);
  });

  it.each([
    ['POST', '/v3/paths/list'],
    ['GET', '/v3/paths/get'],
    ['POST', '/v3/rtmpconns/kick/'],
    ['POST', '/v3/rtmpconns/kick/a/b'],
    ['GET', '/'],
  ])('has none for %s %s', (method, path) => {
    expect(findRoute(routes, method, path)).toBeUndefined();
  });

  it('redirects what only a slash keeps away', () => {
    expect(slashRedirect(routes, 'GET', '/v3/paths/list/')).toBe('/v3/paths/list');
    expect(slashRedirect(routes, 'GET', '/v3/paths/get')).toBe('/v3/paths/get/');
    expect(slashRedirect(routes, 'GET', '/v3/nope/')).toBeUndefined();
  });
});

describe('goJson', () => {
  it('escapes what Go escapes', () => {
    expect(goJson({ a: '<&>\u2028"' })).toBe('{"a":"\\u003c\\u0026\\u003e\\u2028\\""}');
  });
});

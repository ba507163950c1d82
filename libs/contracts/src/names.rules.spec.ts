import { isId, isValidPath, ownerOfPath, PATH_MAX_CHARS, streamPath } from './names.rules';

describe('isId', () => {
  it.each([
    ['r1', true],
    ['a', true],
    ['A-b_9', true],
    ['x'.repeat(64), true],
    ['', false],
    ['x'.repeat(65), false],
    ['r/1', false],
    ['r+1', false],
    ['r#1', false],
    ['r.1', false],
    ['r:1', false],
    ['r 1', false],
    ['r1\n', false],
    ['r1\0', false],
    ['саm1', false],
    ['r\u212A', false],
    ['__proto__', true],
  ])('%j → %s', (text, expected) => {
    expect(isId(text)).toBe(expected);
  });
});

describe('isValidPath', () => {
  it.each([
    ['robots/r1', true],
    ['a', true],
    ['a/b/c/d', true],
    ['dubai_police_01', true],
    ['a.b/c-d', true],
    ['a..b', true],
    ['...', true],
    ['x'.repeat(PATH_MAX_CHARS), true],
    ['x'.repeat(PATH_MAX_CHARS + 1), false],
    ['x'.repeat(10_000), false],
    ['', false],
    ['/', false],
    ['/a', false],
    ['a/', false],
    ['a//b', false],
    ['.', false],
    ['..', false],
    ['../x', false],
    ['a/../b', false],
    ['a/./b', false],
    ['a/..', false],
    ['a:b', false],
    ['%2e%2e%2f', false],
    ['a%00b', false],
    ['a\0b', false],
    ['a b', false],
    ['a ', false],
    ['a\n', false],
    ['a\r\nb', false],
    ['a\\b', false],
    ['саm1', false],
    ['CAM\u212A', false],
    ['cam\ud800', false],
    ['a*', false],
    ['a/+/b', false],
    ['a#', false],
    ['a?token=x', false],
    ['~^x', false],
    ["' OR 1=1--", false],
    ['${jndi:x}', false],
  ])('%j → %s', (path, expected) => {
    expect(isValidPath(path)).toBe(expected);
  });
});

describe('the path of a robot', () => {
  it.each([
    ['r1', 'main', 'robots/r1'],
    ['r1', 'front', 'robots/r1/front'],
    ['robots', 'robots', 'robots/robots/robots'],
  ])('%s, %s ↔ %s', (robotId, camera, path) => {
    expect(streamPath(robotId, camera)).toBe(path);
    expect(ownerOfPath(path)).toEqual({ robotId, camera });
  });

  it.each([
    ['robots'],
    ['robots/'],
    ['robots//front'],
    ['robots/r1/'],
    ['robots/r1/main'],
    ['robots/r1/front/x'],
    ['robots/r.1'],
    ['robots/r1/fr.ont'],
    ['Robots/r1'],
    ['/robots/r1'],
    ['cameras/r1'],
    ['r1'],
    ['robots/../r1'],
    [''],
  ])('%j belongs to no robot', (path) => {
    expect(ownerOfPath(path)).toBeUndefined();
  });
});

import { mosquittoFiles } from './mosquitto-files.rules';

it('writes a line for each password, and the topics of each login', () => {
  const files = mosquittoFiles([
    { username: 'gateway', principal: { kind: 'gateway' }, verifier: '$7$a' },
    { username: 'r1', principal: { kind: 'robot', robotId: 'r1' }, verifier: '$7$b' },
    {
      username: 'old',
      principal: { kind: 'legacy', robotId: 'old', topic: 'robot/stream' },
      verifier: '$7$c',
    },
  ]);
  expect(files.passwords).toBe('gateway:$7$a\nr1:$7$b\nold:$7$c\n');
  expect(files.acl).toContain('user r1\ntopic read rc/v1/robots/r1/cmd/+\n');
  expect(files.acl).toContain('topic write rc/v1/gw/+/reply/r1\n');
  expect(files.acl).toMatch(/user old\ntopic read robot\/stream\n$/);
});

it('writes nothing for names and topics that would break a line', () => {
  const robot = { kind: 'robot', robotId: 'r1' } as const;
  const files = mosquittoFiles([
    { username: 'a\nuser admin', principal: robot, verifier: 'x' },
    { username: 'a:b', principal: robot, verifier: 'x' },
    { username: 'l', principal: { kind: 'legacy', robotId: 'l', topic: 'robot/x\ntopic #' }, verifier: 'x' },
  ]);
  expect(files).toEqual({ passwords: 'l:x\n', acl: 'user l\n' });
});

it('is two empty files when nobody has a login', () =>
  expect(mosquittoFiles([])).toEqual({ passwords: '', acl: '' }));

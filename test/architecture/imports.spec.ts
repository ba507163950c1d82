import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { importsOf, pureNamesOf, violationsOf, type Source, type Surroundings } from './house-rules';

const ROOT = join(__dirname, '../..');
const PLACES = ['apps', 'libs', 'scripts', 'test'];

function sourcesUnder(folder: string): Source[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return entry.name === 'node_modules' ? [] : sourcesUnder(path);
    if (!entry.name.endsWith('.ts')) return [];
    return [{ file: relative(ROOT, path).split('\\').join('/'), text: readFileSync(path, 'utf8') }];
  });
}

const pureNames = new Map<string, Set<string>>();
const repository: Surroundings = {
  read: (path) => {
    const file = join(ROOT, `${path}.ts`);
    return existsSync(file) ? readFileSync(file, 'utf8') : undefined;
  },
  isPureName: (lib, name) => {
    const index = `libs/${lib}/src/index`;
    const names = pureNames.get(lib) ?? pureNamesOf({ file: index, text: repository.read(index) ?? '' });
    pureNames.set(lib, names);
    return names.has(name);
  },
};

/** A repository of two files. */
const planted: Surroundings = {
  isPureName: (_lib, name) => name === 'pure',
  read: (path) =>
    ({
      'apps/auth/src/access/door.service': `import { Injectable } from '@nestjs/common';`,
      'apps/auth/src/access/words': `export const WORDS = ['a'];`,
    })[path],
};

/** Looked at one by one: the callback is synchronous, so it cannot overlap itself, and the timer holds no process. */
const INTERVALS = [
  'apps/device/src/presence/connection.watchdog.ts',
  'apps/device/src/stream/stream.service.ts',
  'libs/standin/src/hls/hls.server.ts',
  'libs/standin/src/rtsp/rtsp.client.ts',
].map((file) => `${file}: uses setInterval`);

describe('the sources', () => {
  const sources = PLACES.flatMap((place) => sourcesUnder(join(ROOT, place)));

  it('are found', () => {
    const files = sources.map(({ file }) => file);
    expect(files).toContain('apps/auth/src/main.ts');
    expect(files.length).toBeGreaterThan(100);
  });

  it('keep to the house rules', () => {
    const found = sources.flatMap((source) => violationsOf(source, repository));
    expect(found.filter((violation) => !INTERVALS.includes(violation))).toEqual([]);
  });
});

describe('a planted violation is found:', () => {
  const RULES = 'apps/auth/src/access/x.rules.ts';
  it.each([
    ['apps/auth/src/a.ts', `import { x } from '../../gateway/src/x';`, 'imports another app'],
    ['apps/auth/src/a.ts', `export { x } from '../../gateway/src/x';`, 'imports another app'],
    ['apps/auth/src/a.ts', `const x = require('../../gateway/src/x');`, 'imports another app'],
    ['apps/auth/src/a.ts', `const x = await import('../../gateway/src/x');`, 'imports another app'],
    ['apps/auth/src/a.spec.ts', `import { x } from '../../gateway/src/x';`, 'imports another app'],
    ['libs/mqtt/src/a.ts', `import { x } from '../../../apps/auth/src/x';`, 'imports another app'],
    ['apps/auth/src/a.ts', `import { x } from '../../../scripts/x';`, 'product code imports scripts'],
    ['libs/mqtt/src/a.ts', `import { x } from '../../../test/support/x';`, 'product code imports tests'],
    ['apps/auth/src/a.ts', `import { x } from '@rovercast/standin';`, 'an app imports the stand-in'],
    ['apps/auth/src/a.ts', `import { x } from '../../../libs/mqtt/src/x';`, 'past the index of a library'],
    ['apps/auth/src/a.ts', `import { x } from '@rovercast/mqtt/src/x';`, 'past the index of a library'],
    ['libs/mqtt/src/a.ts', `import { x } from '../../access/src/x';`, 'past the index of a library'],
    ['apps/auth/src/a.ts', `import { x } from '../../../../shared/x';`, 'leaves the repository'],
    ['scripts/a.ts', `import { x } from '../../shared/x';`, 'leaves the repository'],
    ['test/a.ts', `import x from '/work/shared/x';`, 'leaves the repository'],
    [RULES, `import { Injectable } from '@nestjs/common';`, 'a rule imports a package'],
    [RULES, `import type { DataSource } from 'typeorm';`, 'a rule imports a package'],
    [RULES, `import { connect } from 'mqtt';`, 'a rule imports a package'],
    [RULES, `import { of } from 'rxjs';`, 'a rule imports a package'],
    [RULES, `import { createHash } from 'node:crypto';`, 'a rule imports a package'],
    [RULES, `const fs = require('fs');`, 'a rule imports a package'],
    ['libs/quota/src/x.machine.ts', `import 'reflect-metadata';`, 'a rule imports a package'],
    [RULES, `import { DoorService } from './door.service';`, 'a rule imports what is no rule'],
    [RULES, `import { type A, DoorService } from './door.service';`, 'a rule imports what is no rule'],
    [RULES, `import { impure } from '@rovercast/access';`, 'a rule imports impure, which is no rule'],
    [RULES, `import * as access from '@rovercast/access';`, 'a rule imports everything'],
    ['apps/auth/src/a.ts', `const port = process.env.PORT;`, 'reads process.env'],
    ['apps/auth/src/a.ts', `const port = process?.env.PORT;`, 'reads process.env'],
    ['libs/mqtt/src/main.ts', `const { env } = process;`, 'reads process.env'],
    ['libs/mqtt/src/a.ts', `const port = process['env'].PORT;`, 'reads process.env'],
    ['libs/mqtt/src/a.ts', `import { env } from 'node:process';`, 'reads process.env'],
    ['apps/auth/src/sub/main.ts', `parse(process.env)`, 'reads process.env'],
    ['libs/mqtt/src/a.ts', `setInterval(() => poll(), 10);`, 'uses setInterval'],
    ['libs/mqtt/src/a.ts', `globalThis.setInterval(poll, 10);`, 'uses setInterval'],
  ])('%s: %s', (file, text, problem) => {
    expect(violationsOf({ file, text }, planted)).toEqual([expect.stringContaining(problem)]);
  });
});

describe('allowed is', () => {
  it.each([
    ['apps/auth/src/access/x.rules.ts', `import { a } from './y.rules'; import { b } from '../z/z.machine';`],
    ['apps/auth/src/access/x.rules.ts', `import { a } from '@rovercast/contracts';`],
    ['apps/auth/src/access/x.rules.ts', `import { pure, type Whatever } from '@rovercast/access';`],
    ['apps/auth/src/access/x.rules.ts', `import type { Principal } from '@rovercast/access';`],
    ['apps/auth/src/access/x.rules.ts', `import type { Row } from './rows';`],
    ['apps/auth/src/access/x.rules.ts', `import { WORDS } from './words';`],
    [
      'apps/auth/src/access/x.rules.spec.ts',
      `import fc from 'fast-check'; setInterval(f, 1); process.env.X;`,
    ],
    ['apps/auth/src/a.medium.ts', `import { aDatabase } from '../../../test/support/database';`],
    ['apps/auth/src/main.ts', `parse(process.env);`],
    ['apps/auth/src/cli.ts', `parse(process.env);`],
    ['scripts/start.ts', `import { x } from '../apps/auth/src/x'; process.env.X; setInterval(f, 1);`],
    ['libs/mqtt/src/a.ts', `// process.env and setInterval( and import '../../../scripts/x' in words`],
    ['libs/mqtt/src/a.ts', `const text = "import { x } from '../../../apps/x'";`],
  ])('%s: %s', (file, text) => {
    expect(violationsOf({ file, text }, planted)).toEqual([]);
  });
});

it('importsOf tells types from values', () => {
  const text = `import type { A } from 'a'; import { type B, c as d } from 'b'; import e from 'e'; export * from 'f';`;
  expect(importsOf({ file: 'x.ts', text })).toEqual([
    { from: 'a', typeOnly: true, names: ['A'] },
    { from: 'b', typeOnly: false, names: ['c'] },
    { from: 'e', typeOnly: false, names: undefined },
    { from: 'f', typeOnly: false, names: undefined },
  ]);
});

// Where the build puts things.
import { join } from 'node:path';
import { rootDir } from '../prepare.mjs';

export const appScript = (app, file = 'main') => join(rootDir, `dist/apps/${app}/apps/${app}/src/${file}.js`);

/** A lib as one app was built with it. */
export const libOf = (app, lib) => join(rootDir, `dist/apps/${app}/libs/${lib}/src/index.js`);

export const stackPart = (part) => join(rootDir, `dist/stack/scripts/stack/${part}.js`);

export const resultsDir = join(rootDir, 'bench', 'results');

// `npm start`: install and build when needed, then become the launcher.
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build, endWithNpm, install, requireNode, rootDir } from './prepare.mjs';

requireNode();
endWithNpm();
await install();
await build();
// In this process: Ctrl-C and SIGTERM reach the launcher itself, and nothing stands between it and its parent.
await import(pathToFileURL(join(rootDir, 'dist/stack/scripts/stack/main.js')).href);

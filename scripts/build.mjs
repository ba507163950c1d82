// Builds what changed: `node scripts/build.mjs [project…]`. Plain Node, so that it runs before anything is installed.
import { fileURLToPath } from 'node:url';
import { build, install, requireNode } from './prepare.mjs';

requireNode();
if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await install();
  await build(process.argv.slice(2));
}

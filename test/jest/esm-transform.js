// Jest on Node 20 cannot require() ES modules; this turns ESM packages in node_modules into CommonJS and leaves the rest alone.
const { existsSync, readFileSync } = require('node:fs');
const { dirname, join } = require('node:path');
const { createHash } = require('node:crypto');
const { transformSync } = require('@swc/core');

const typeByFolder = new Map();

function packageType(folder) {
  if (typeByFolder.has(folder)) return typeByFolder.get(folder);
  const manifest = join(folder, 'package.json');
  const parent = dirname(folder);
  const type = existsSync(manifest)
    ? (JSON.parse(readFileSync(manifest, 'utf8')).type ?? 'commonjs')
    : parent === folder
      ? 'commonjs'
      : packageType(parent);
  typeByFolder.set(folder, type);
  return type;
}

const isModule = (filename) =>
  filename.endsWith('.mjs') || (!filename.endsWith('.cjs') && packageType(dirname(filename)) === 'module');

module.exports = {
  getCacheKey: (source, filename) =>
    createHash('sha1').update(filename).update(source).update('1').digest('hex'),
  process(source, filename) {
    if (!isModule(filename)) return { code: source };
    return transformSync(source, {
      filename,
      sourceMaps: false,
      jsc: { target: 'es2022', parser: { syntax: 'ecmascript' } },
      module: { type: 'commonjs', importInterop: 'swc', ignoreDynamic: false },
    });
  },
};

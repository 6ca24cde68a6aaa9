// Bundles the page into a folder: node build.mjs FOLDER WASM. The linter gets a name that changes with its content, so that
// browsers may keep it for ever. It is written compressed: for servers that say so of a file, and for those that do not.
import {createHash} from 'node:crypto';
import {createReadStream, createWriteStream} from 'node:fs';
import {copyFile, mkdir, readFile} from 'node:fs/promises';
import {join} from 'node:path';
import {pipeline} from 'node:stream/promises';
import {constants, createBrotliCompress, createGzip} from 'node:zlib';
import {build} from 'esbuild';

const [folder, wasm] = process.argv.slice(2);
await mkdir(folder, {recursive: true});
const name = `seatrial-${createHash('sha256').update(await readFile(wasm)).digest('hex').slice(0, 16)}.wasm`;
// The best quality takes five minutes of a processor, and makes a file that is smaller by 15 percent than quality 9.
const brotli = createBrotliCompress({params: {[constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_LGWIN]: 24}});
for (const [form, ending] of [[brotli, '.br'], [createGzip({level: 9}), '.gz']]) {
  await pipeline(createReadStream(wasm), form, createWriteStream(join(folder, name + ending)));
}
await build({
  entryPoints: ['src/main.ts', 'src/worker.ts'], outdir: folder, bundle: true, minify: true, format: 'iife',
  target: ['chrome111', 'firefox115', 'safari16.4'], legalComments: 'none', logLevel: 'warning',
  loader: {'.yaml': 'text'}, define: {WASM: JSON.stringify(name)},
});
await copyFile('src/style.css', join(folder, 'style.css'));
await copyFile('src/icon.svg', join(folder, 'icon.svg'));
await copyFile('../../explain/pages/assets/theme.js', join(folder, 'theme.js'));
await copyFile('src/index.html', join(folder, 'index.html'));

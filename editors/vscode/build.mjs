// Bundles the extension into dist/, and with "test" the tests into dist/test.
import {copyFile, mkdir} from 'node:fs/promises';
import {build} from 'esbuild';

const common = {bundle: true, platform: 'node', target: 'node20', format: 'cjs', logLevel: 'warning'};

await mkdir('dist', {recursive: true});
await copyFile('../../docs/config.schema.json', 'dist/config.schema.json');
await copyFile('../../LICENSE', 'LICENSE');
await build({...common, entryPoints: ['src/extension.ts'], outfile: 'dist/extension.js', external: ['vscode'], minify: true});
if (process.argv.includes('test')) {
  await build({...common, entryPoints: ['test/unit.test.ts', 'test/e2e.test.ts'], outdir: 'dist/test'});
}

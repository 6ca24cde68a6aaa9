import {strict as assert} from 'node:assert';
import {readFileSync} from 'node:fs';
import {join} from 'node:path';
import {test} from 'node:test';
import {escape, explanationPage} from '../src/explain';
import {planArgs, resultOf, run} from '../src/program';
import {sourceOf} from '../src/source';

test('a run returns what the program printed, and its exit code', async () => {
  const script = 'process.stdout.write("out"); process.stderr.write("err"); process.exit(3)';
  assert.deepEqual(await run(process.execPath, ['-e', script], '.'), {code: 3, out: 'out', err: 'err'});
});

test('a program that is missing is an error', async () => {
  await assert.rejects(run('/no/such/program', [], '.'), /ENOENT/);
});

test('a run ends when it is aborted', async () => {
  const aborted = new AbortController();
  const ended = run(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], '.', aborted.signal);
  aborted.abort();
  await assert.rejects(ended, {name: 'AbortError'});
});

test('findings are a result, a failure is an error with its reason', () => {
  assert.equal(resultOf({code: 1, out: '<html>', err: ''}), '<html>');
  assert.throws(() => resultOf({code: 3, out: '', err: 'seatrial: no documents found\n'}), /^Error: seatrial: no documents found$/);
  assert.throws(() => resultOf({code: 1, out: '', err: ''}), /exit code 1/);
});

test('a plan has the nodes and the version of the settings', () => {
  assert.deepEqual(planArgs('web.yaml', '', ''), ['plan', '-f', 'web.yaml', '-o', 'html']);
  assert.deepEqual(planArgs('web.yaml', '3x4cpu16Gi', '1.34').slice(5), ['--nodes', '3x4cpu16Gi', '--kubernetes-version', '1.34']);
});

test('a template belongs to the nearest chart, and nothing above the workspace counts', () => {
  const files = new Set(['/w/charts/web/Chart.yaml', '/Chart.yaml']);
  const exists = (name: string): boolean => files.has(name);
  assert.equal(sourceOf('/w/charts/web/templates/web.yaml', '/w', exists), '/w/charts/web');
  assert.equal(sourceOf('/w/plain/web.yaml', '/w', exists), undefined);
});

test('a page shows what is known of a field, and no markup of it', () => {
  const page = explanationPage({
    address: 'pods.spec', kubernetesVersion: '1.37', resource: {kind: 'Pod'},
    field: {
      type: 'PodSpec', description: 'First <b>.', default: 'a&b', enum: ['A', 'B'], required: true,
      fields: [{name: 'containers', type: '[]Container', required: true, description: 'List of containers. More.'}],
    },
  });
  assert.match(page, /First &#60;b&#62;\./);
  assert.match(page, /a&#38;b/);
  assert.match(page, /List of containers\.</);
  assert.match(page, /default-src 'none'/);
  assert.doesNotMatch(page, /<script/);
});

test('escaped text has no characters of HTML', () => {
  assert.equal(escape(`<a href="x">'&`), '&#60;a href=&#34;x&#34;&#62;&#39;&#38;');
});

test('every command of the manifest is registered, and every setting that is read is declared', () => {
  const manifest = JSON.parse(readFileSync(join(process.cwd(), 'package.json'), 'utf8')) as {
    contributes: {commands: {command: string}[]; configuration: {properties: Record<string, unknown>}};
  };
  const source = readFileSync(join(process.cwd(), 'src/extension.ts'), 'utf8');
  const registered = [...source.matchAll(/command\('(\w+)'/g)].map((m) => `seatrial.${m[1]}`);
  assert.deepEqual(manifest.contributes.commands.map((c) => c.command).sort(), registered.sort());
  for (const [, name] of source.matchAll(/\.get\('([\w.]+)'/g)) {
    assert.ok(`seatrial.${name}` in manifest.contributes.configuration.properties, name);
  }
});

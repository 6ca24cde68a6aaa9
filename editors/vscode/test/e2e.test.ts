// Drives the program with the protocol implementation that VS Code's own client is built on. SEATRIAL names the program.
import {strict as assert} from 'node:assert';
import {spawn} from 'node:child_process';
import {mkdirSync, mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {dirname, join} from 'node:path';
import {after, before, test} from 'node:test';
import {pathToFileURL} from 'node:url';
import * as lsp from 'vscode-languageserver-protocol/node';
import {planArgs, resultOf, run} from '../src/program';
import {explanationPage, type Explanation} from '../src/explain';

const program = process.env['SEATRIAL'] ?? 'seatrial';
const deployment = `apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  selector:
    matchLabels: {app: web}
  template:
    metadata:
      labels: {app: web}
    spec:
      containers:
      - name: web
        image: nginx:1.27.3
        ports:
        - containerPort: "80"
`;
const pages = `apiVersion: v1
kind: ConfigMap
metadata:
  name: pages
`;

let folder = '';
let client: lsp.ProtocolConnection;
let capabilities: lsp.ServerCapabilities;
let refreshed: (() => void) | undefined; // called when the server asks for a pull of all findings

const uriOf = (name: string): string => pathToFileURL(join(folder, name)).toString();
const idOf = (name: string): lsp.TextDocumentIdentifier => ({uri: uriOf(name)});

/** Resolves when the server asks the editor to pull all findings, from now on. */
function refresh(): Promise<void> {
  return new Promise((resolve, reject) => {
    const limit = setTimeout(() => { reject(new Error('the server has not asked for a pull within a minute')); }, 60_000);
    refreshed = () => {
      clearTimeout(limit);
      resolve();
    };
  });
}

function write(name: string, text: string): void {
  mkdirSync(dirname(join(folder, name)), {recursive: true});
  writeFileSync(join(folder, name), text);
}

async function open(name: string, text: string): Promise<void> {
  const textDocument = {uri: uriOf(name), languageId: 'yaml', version: 1, text};
  await client.sendNotification(lsp.DidOpenTextDocumentNotification.type, {textDocument});
}

async function full(name: string): Promise<lsp.Diagnostic[]> {
  const report = await client.sendRequest(lsp.DocumentDiagnosticRequest.type, {textDocument: idOf(name)});
  assert.ok(report.kind === 'full');
  return report.items;
}

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'seatrial-'));
  write('web.yaml', deployment);
  write('config.yaml', pages);
  const child = spawn(program, ['lsp'], {stdio: ['pipe', 'pipe', 'inherit']});
  client = lsp.createProtocolConnection(new lsp.StreamMessageReader(child.stdout), new lsp.StreamMessageWriter(child.stdin));
  client.onRequest(lsp.DiagnosticRefreshRequest.type, () => { refreshed?.(); });
  client.onRequest(lsp.WorkDoneProgressCreateRequest.type, () => undefined);
  client.listen();
  const result = await client.sendRequest(lsp.InitializeRequest.type, {
    processId: process.pid, rootUri: null, workspaceFolders: [{uri: pathToFileURL(folder).toString(), name: 'test'}],
    initializationOptions: {kubernetesVersion: '1.36'},
    capabilities: {
      textDocument: {diagnostic: {dynamicRegistration: false}},
      workspace: {diagnostics: {refreshSupport: true}}, window: {workDoneProgress: true},
    },
  });
  capabilities = result.capabilities;
  await client.sendNotification(lsp.InitializedNotification.type, {});
});

after(async () => {
  await client.sendRequest(lsp.ShutdownRequest.type);
  await client.sendNotification(lsp.ExitNotification.type);
  client.dispose();
  rmSync(folder, {recursive: true});
});

test('the server names what it does', () => {
  assert.deepEqual(capabilities.diagnosticProvider, {identifier: 'seatrial', interFileDependencies: true, workspaceDiagnostics: true});
  assert.ok(capabilities.hoverProvider && capabilities.completionProvider && capabilities.renameProvider);
});

test('the version is that of the settings, and follows their change', async () => {
  await open('web.yaml', deployment);
  const place = {textDocument: idOf('web.yaml'), position: {line: 0, character: 0}};
  const ask = async (): Promise<string> => {
    const answer: unknown = await client.sendRequest(lsp.ExecuteCommandRequest.type, {command: 'seatrial.version', arguments: [place]});
    return (answer as {kubernetesVersion: string}).kubernetesVersion;
  };
  assert.equal(await ask(), '1.36');
  await client.sendNotification(lsp.DidChangeConfigurationNotification.type, {settings: {seatrial: {kubernetesVersion: '1.30'}}});
  assert.equal(await ask(), '1.30');
  await client.sendNotification(lsp.DidChangeConfigurationNotification.type, {settings: {seatrial: {kubernetesVersion: ''}}});
  assert.ok(Number((await ask()).slice(2)) > 36);
});

test('findings are pulled, and those that are known are not sent again', async () => {
  const report = await client.sendRequest(lsp.DocumentDiagnosticRequest.type, {textDocument: idOf('web.yaml')});
  assert.ok(report.kind === 'full' && report.items.some((d) => d.code === 'field-type' && d.severity === 1));
  const again = await client.sendRequest(lsp.DocumentDiagnosticRequest.type, {
    textDocument: idOf('web.yaml'), previousResultId: report.resultId ?? '',
  });
  assert.deepEqual(again, {kind: 'unchanged', resultId: report.resultId});
});

test('a fix removes the finding', async () => {
  const finding = (await full('web.yaml')).find((d) => d.code === 'field-type');
  assert.ok(finding);
  const actions = await client.sendRequest(lsp.CodeActionRequest.type, {
    textDocument: idOf('web.yaml'), range: finding.range, context: {diagnostics: [finding]},
  });
  const fix = actions?.find((a): a is lsp.CodeAction => 'edit' in a);
  const edit = fix?.edit?.changes?.[uriOf('web.yaml')]?.[0];
  assert.ok(edit);
  await client.sendNotification(lsp.DidChangeTextDocumentNotification.type, {
    textDocument: {uri: uriOf('web.yaml'), version: 2}, contentChanges: [{range: edit.range, text: edit.newText}],
  });
  assert.deepEqual((await full('web.yaml')).filter((d) => d.severity === 1), []);
});

test('a change of one file asks the editor to pull the findings of another', async () => {
  const pod = 'apiVersion: v1\nkind: Pod\nmetadata: {name: job}\nspec:\n  containers:\n  - {name: job, image: "busybox:1.36.1", envFrom: [{configMapRef: {name: pages}}]}\n';
  await open('pod.yaml', pod);
  const before = await full('pod.yaml');
  assert.ok(!before.some((d) => d.code === 'reference-missing'), JSON.stringify(before));
  const asked = refresh();
  await open('config.yaml', pages.replace('pages', 'other'));
  await asked;
  const after = await full('pod.yaml');
  assert.notDeepEqual(after, before);
});

test('the workspace has findings of files that are not open', async () => {
  write('service.yaml', 'apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec:\n  portz: []\n');
  await client.sendNotification(lsp.DidSaveTextDocumentNotification.type, {textDocument: idOf('web.yaml')});
  const report = await client.sendRequest(lsp.WorkspaceDiagnosticRequest.type, {previousResultIds: []});
  const service = report.items.find((r) => r.uri === uriOf('service.yaml'));
  assert.ok(service?.kind === 'full' && service.items.some((d) => d.code === 'field-unknown'));
  assert.equal(service.version, null);
});

test('a field is explained for the panel', async () => {
  const place = {textDocument: idOf('web.yaml'), position: {line: 5, character: 4}};
  const answer = await client.sendRequest(lsp.ExecuteCommandRequest.type, {command: 'seatrial.explain', arguments: [place]}) as Explanation;
  assert.equal(answer.address, 'deployment.spec.selector');
  assert.match(explanationPage(answer), /matchLabels/);
});

test('a file is planned, a chart rendered, as the commands do', async () => {
  write('plan/pod.yaml', 'apiVersion: v1\nkind: Pod\nmetadata: {name: job}\nspec:\n  containers: [{name: job, image: "busybox:1.36.1"}]\n');
  const page = resultOf(await run(program, planArgs(join(folder, 'plan/pod.yaml'), '1x2cpu4Gi', ''), folder));
  assert.match(page, /<html/);
  write('chart/Chart.yaml', 'apiVersion: v2\nname: web\nversion: 1.0.0\n');
  write('chart/templates/config.yaml', 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: {{ .Release.Name }}-web}\n');
  const text = resultOf(await run(program, ['render', join(folder, 'chart')], join(folder, 'chart')));
  assert.match(text, /kind: ConfigMap/);
});

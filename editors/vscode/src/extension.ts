import {dirname, isAbsolute} from 'node:path';
import * as vscode from 'vscode';
import {LanguageClient, TransportKind} from 'vscode-languageclient/node';
import {explanationPage, type Explanation} from './explain';
import {planArgs, resultOf, run} from './program';
import {sourceOf} from './source';

const languages = ['yaml', 'json', 'helm'];
const selector = languages.flatMap((language) => [{language, scheme: 'file'}, {language, scheme: 'untitled'}]);

let extension: Extension | undefined;

export async function activate(context: vscode.ExtensionContext): Promise<void> {
  extension = new Extension(context);
  await extension.start();
}

export async function deactivate(): Promise<void> {
  await extension?.stop();
}

/** The extension in one window. */
class Extension {
  private client: LanguageClient | undefined;
  private readonly status = vscode.languages.createLanguageStatusItem('seatrial.version', selector);
  private readonly rendered = new Rendered();

  constructor(context: vscode.ExtensionContext) {
    const command = (name: string, f: () => Promise<void>): vscode.Disposable =>
      vscode.commands.registerCommand(`seatrial.${name}`, () => this.guard(f));
    this.status.name = 'Kubernetes version';
    this.status.command = {command: 'seatrial.chooseVersion', title: 'Change'};
    context.subscriptions.push(
      this.status,
      vscode.workspace.registerTextDocumentContentProvider(Rendered.scheme, this.rendered),
      command('planFile', () => this.plan()),
      command('explainField', () => this.explain()),
      command('renderChart', () => this.render()),
      command('reviewHead', () => this.review()),
      command('chooseVersion', () => this.chooseVersion()),
      command('restart', () => this.restart()),
      vscode.window.onDidChangeActiveTextEditor(() => this.showVersion()),
      vscode.workspace.onDidSaveTextDocument(() => this.showVersion()),
      vscode.workspace.onDidChangeConfiguration((e) => this.configured(e)),
    );
  }

  /** Starts the language server. */
  async start(): Promise<void> {
    const client = new LanguageClient(
      'seatrial',
      'Seatrial',
      {command: program(), args: ['lsp'], transport: TransportKind.stdio},
      {documentSelector: selector, initializationOptions: settings()},
    );
    try {
      await client.start();
    } catch (err) {
      this.status.text = 'seatrial: not started';
      this.status.severity = vscode.LanguageStatusSeverity.Error;
      await explainMissing(err);
      return;
    }
    this.client = client;
    await this.showVersion();
  }

  async stop(): Promise<void> {
    const client = this.client;
    this.client = undefined;
    await client?.stop();
  }

  private async restart(): Promise<void> {
    await this.stop();
    await this.start();
  }

  private async configured(e: vscode.ConfigurationChangeEvent): Promise<void> {
    if (e.affectsConfiguration('seatrial.path')) {
      await this.restart();
    } else if (e.affectsConfiguration('seatrial.kubernetesVersion')) {
      await this.client?.sendNotification('workspace/didChangeConfiguration', {settings: {seatrial: settings()}});
      await this.showVersion();
    }
  }

  /** Shows which Kubernetes version the open file is judged for. */
  private async showVersion(): Promise<void> {
    const editor = vscode.window.activeTextEditor;
    if (!this.client || !editor || !languages.includes(editor.document.languageId)) {
      return;
    }
    const answer = await this.ask<{kubernetesVersion: string; release: string}>('seatrial.version', editor);
    if (answer) {
      this.status.severity = vscode.LanguageStatusSeverity.Information;
      this.status.text = `Kubernetes ${answer.kubernetesVersion}`;
      this.status.detail = `judged as ${answer.release} does`;
    }
  }

  /** Asks the server for what a command returns at the cursor. */
  private async ask<T>(command: string, editor: vscode.TextEditor): Promise<T | null> {
    if (!this.client) {
      throw new Error('the language server does not run');
    }
    const {document, selection} = editor;
    const place = {
      textDocument: this.client.code2ProtocolConverter.asTextDocumentIdentifier(document),
      position: this.client.code2ProtocolConverter.asPosition(selection.active),
    };
    return this.client.sendRequest('workspace/executeCommand', {command, arguments: [place]});
  }

  private async plan(): Promise<void> {
    const {document} = await saved();
    const config = vscode.workspace.getConfiguration('seatrial', document);
    const args = planArgs(document.fileName, config.get('plan.nodes', ''), config.get('kubernetesVersion', ''));
    const page = await running('Simulating the plan', dirname(document.fileName), args);
    show('seatrial.plan', 'Plan', page);
  }

  private async explain(): Promise<void> {
    const editor = active();
    const answer = await this.ask<Explanation>('seatrial.explain', editor);
    if (!answer) {
      throw new Error('no field of a Kubernetes object stands here');
    }
    show('seatrial.explain', answer.address, explanationPage(answer), vscode.ViewColumn.Beside);
  }

  private async render(): Promise<void> {
    const {document} = await saved();
    const folder = sourceOf(document.fileName, workspaceOf(document));
    if (folder === undefined) {
      throw new Error('the file belongs to no chart and no kustomization');
    }
    const text = await running('Rendering', folder, ['render', folder]);
    const shown = await vscode.workspace.openTextDocument(this.rendered.keep(folder, text));
    await vscode.languages.setTextDocumentLanguage(shown, 'yaml');
    await vscode.window.showTextDocument(shown, vscode.ViewColumn.Beside, true);
  }

  private async review(): Promise<void> {
    const folder = vscode.workspace.workspaceFolders?.[0]?.uri.fsPath ?? dirname(active().document.fileName);
    const page = await running('Reviewing', folder, ['review', '--base', 'HEAD', '-o', 'html']);
    show('seatrial.review', 'Review against HEAD', page);
  }

  private async chooseVersion(): Promise<void> {
    const known = JSON.parse(resultOf(await run(program(), ['version', '-o', 'json'], '.'))) as {targets: string[]};
    const chosen = await vscode.window.showQuickPick(['newest', ...known.targets.reverse()], {
      title: 'Kubernetes version that manifests are judged for where no .seatrial.yaml names one',
    });
    if (chosen !== undefined) {
      await vscode.workspace.getConfiguration('seatrial').update('kubernetesVersion', chosen === 'newest' ? '' : chosen);
    }
  }

  /** Runs a command, and shows what goes wrong. */
  private async guard(f: () => Promise<void>): Promise<void> {
    try {
      await f();
    } catch (err) {
      if (err instanceof Error && err.name === 'AbortError') {
        return;
      }
      await vscode.window.showErrorMessage(`seatrial: ${err instanceof Error ? err.message : String(err)}`);
    }
  }
}

/** The texts that charts and kustomizations render to, as read-only documents. */
class Rendered implements vscode.TextDocumentContentProvider {
  static readonly scheme = 'seatrial-rendered';
  private readonly texts = new Map<string, string>();
  private readonly changed = new vscode.EventEmitter<vscode.Uri>();
  readonly onDidChange = this.changed.event;

  keep(folder: string, text: string): vscode.Uri {
    const uri = vscode.Uri.from({scheme: Rendered.scheme, path: `${vscode.Uri.file(folder).path}/rendered.yaml`});
    this.texts.set(uri.toString(), text);
    this.changed.fire(uri);
    return uri;
  }

  provideTextDocumentContent(uri: vscode.Uri): string {
    return this.texts.get(uri.toString()) ?? '';
  }
}

function settings(): {kubernetesVersion: string} {
  return {kubernetesVersion: vscode.workspace.getConfiguration('seatrial').get('kubernetesVersion', '')};
}

/** Returns the program. A path that is not absolute is a name on the PATH: a workspace cannot bring its own. */
function program(): string {
  const path = vscode.workspace.getConfiguration('seatrial').get('path', 'seatrial');
  return isAbsolute(path) || !/[\\/]/.test(path) ? path : 'seatrial';
}

async function explainMissing(err: unknown): Promise<void> {
  const choice = await vscode.window.showErrorMessage(
    `seatrial: ${program()} did not start: ${err instanceof Error ? err.message : String(err)}`,
    'How to Install',
    'Settings',
  );
  if (choice === 'How to Install') {
    await vscode.env.openExternal(vscode.Uri.parse('https://github.com/seatrial/seatrial#install'));
  } else if (choice === 'Settings') {
    await vscode.commands.executeCommand('workbench.action.openSettings', 'seatrial.path');
  }
}

function active(): vscode.TextEditor {
  const editor = vscode.window.activeTextEditor;
  if (!editor) {
    throw new Error('open a manifest first');
  }
  return editor;
}

/** Returns the active editor after its document is saved: the program reads files. */
async function saved(): Promise<vscode.TextEditor> {
  const editor = active();
  if (editor.document.isUntitled || (editor.document.isDirty && !(await editor.document.save()))) {
    throw new Error('save the file first');
  }
  return editor;
}

function workspaceOf(document: vscode.TextDocument): string {
  return vscode.workspace.getWorkspaceFolder(document.uri)?.uri.fsPath ?? dirname(document.fileName);
}

/** Runs the program and shows that it is under way. The user may cancel it. */
function running(title: string, folder: string, args: readonly string[]): Thenable<string> {
  const options = {location: vscode.ProgressLocation.Notification, title, cancellable: true};
  return vscode.window.withProgress(options, async (_, token) => {
    const aborted = new AbortController();
    token.onCancellationRequested(() => { aborted.abort(); });
    return resultOf(await run(program(), args, folder, aborted.signal));
  });
}

/** Shows a page that loads nothing. */
function show(type: string, title: string, html: string, column = vscode.ViewColumn.Active): void {
  const panel = vscode.window.createWebviewPanel(type, title, column, {
    enableScripts: true, enableFindWidget: true, localResourceRoots: [], retainContextWhenHidden: true,
  });
  panel.webview.html = html;
}

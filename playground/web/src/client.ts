// The page's side of the language server in the worker.

export interface Position { line: number; character: number }
export interface Range { start: Position; end: Position }
export interface Diagnostic { range: Range; severity: number; code: string; message: string; codeDescription?: {href: string} }
export interface TextEdit { range: Range; newText: string }
export interface CodeAction {
  title: string; kind: string; isPreferred?: boolean; diagnostics?: Diagnostic[]; edit: {changes: Record<string, TextEdit[]>};
}
export interface CompletionItem {
  label: string; kind: number; detail?: string; documentation?: {value: string}; deprecated?: boolean; textEdit: TextEdit;
}
export interface Field {
  name?: string; type: string; description?: string; required?: boolean; default?: unknown; enum?: unknown[]; pattern?: string;
  minimum?: number; maximum?: number; since?: string; deprecated?: boolean; fields?: Field[];
}
export interface Explanation { address: string; kubernetesVersion: string; field: Field }

/** The name of the only document. */
export const uri = 'playground:manifest.yaml';
const textDocument = {uri};

interface Message { id?: number; method?: string; result?: unknown; error?: {message: string} }
interface FromWorker {
  lsp?: Message; ready?: {versions: string[]; release: string}; failed?: string;
  converted?: {id: number; text: string; error: string};
}

/** Talks to the worker. */
export class Client {
  private readonly worker = new Worker('worker.js');
  private readonly waiting = new Map<number, {resolve(value: unknown): void; reject(err: Error): void}>();
  private next = 1;
  private version = 0;
  readonly ready: Promise<{versions: string[]; release: string}>;

  constructor() {
    this.ready = new Promise((resolve, reject) => {
      this.worker.onmessage = ({data}: MessageEvent<FromWorker>) => {
        if (data.lsp) {
          this.receive(data.lsp);
        } else if (data.converted) {
          this.settle(data.converted.id, data.converted);
        } else if (data.ready) {
          resolve(data.ready);
        } else if (data.failed !== undefined) {
          reject(new Error(data.failed));
        }
      };
      this.worker.onerror = (event) => { reject(new Error(event.message)); };
    });
  }

  /** Starts the server on a text. */
  async start(text: string, kubernetesVersion: string): Promise<void> {
    await this.request('initialize', {
      capabilities: {textDocument: {diagnostic: {}}, workspace: {diagnostics: {refreshSupport: true}}},
      initializationOptions: {kubernetesVersion},
    });
    this.notify('initialized', {});
    this.notify('textDocument/didOpen', {textDocument: {uri, version: this.version, languageId: 'yaml', text}});
  }

  change(text: string): void {
    this.version++;
    this.notify('textDocument/didChange', {textDocument: {uri, version: this.version}, contentChanges: [{text}]});
  }

  configure(kubernetesVersion: string): void {
    this.notify('workspace/didChangeConfiguration', {settings: {seatrial: {kubernetesVersion}}});
  }

  async diagnostics(): Promise<Diagnostic[]> {
    const report = await this.request<{items: Diagnostic[]}>('textDocument/diagnostic', {textDocument});
    return report.items;
  }

  actions(range: Range): Promise<CodeAction[]> {
    return this.request('textDocument/codeAction', {textDocument, range, context: {}});
  }

  async completions(position: Position): Promise<CompletionItem[]> {
    return (await this.request<{items: CompletionItem[]}>('textDocument/completion', {textDocument, position})).items;
  }

  explain(position: Position): Promise<Explanation | null> {
    return this.request('workspace/executeCommand', {command: 'seatrial.explain', arguments: [{textDocument, position}]});
  }

  convert(text: string, form: string, version: string): Promise<{text: string; error: string}> {
    return this.wait((id) => { this.worker.postMessage({convert: {id, text, form, version}}); });
  }

  private request<T>(method: string, params: unknown): Promise<T> {
    return this.wait((id) => { this.worker.postMessage({lsp: {jsonrpc: '2.0', id, method, params}}); });
  }

  private notify(method: string, params: unknown): void {
    this.worker.postMessage({lsp: {jsonrpc: '2.0', method, params}});
  }

  private wait<T>(send: (id: number) => void): Promise<T> {
    const id = this.next++;
    return new Promise((resolve, reject) => {
      this.waiting.set(id, {resolve: resolve as (value: unknown) => void, reject});
      send(id);
    });
  }

  private settle(id: number, value: unknown, error?: string): void {
    const waiting = this.waiting.get(id);
    this.waiting.delete(id);
    if (error === undefined) {
      waiting?.resolve(value);
    } else {
      waiting?.reject(new Error(error));
    }
  }

  private receive(message: Message): void {
    if (message.method !== undefined) {
      if (message.id !== undefined) { // a request of the server: the page asks for findings after each change anyway
        this.worker.postMessage({lsp: {jsonrpc: '2.0', id: message.id, result: null}});
      }
      return;
    }
    if (message.id !== undefined) {
      this.settle(message.id, message.result, message.error?.message);
    }
  }
}

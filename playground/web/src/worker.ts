// Runs the linter, so that the page answers keys while it works.
import './wasm_exec.js';

declare const WASM: string;
declare const Go: new () => {importObject: WebAssembly.Imports; run(instance: WebAssembly.Instance): Promise<void>};

const scope = self as unknown as {
  seatrial: {
    send?(message: string): void;
    convert?(text: string, form: string, version: string): unknown;
    receive(message: string): void;
    ready(versions: string[], release: string): void;
  };
  postMessage(message: unknown): void;
  onmessage: ((event: MessageEvent) => void) | null;
};

scope.seatrial = {
  receive: (message) => { scope.postMessage({lsp: JSON.parse(message) as unknown}); },
  ready: (versions, release) => { scope.postMessage({ready: {versions, release}}); },
};
scope.onmessage = ({data}: MessageEvent<{lsp?: unknown; convert?: {id: number; text: string; form: string; version: string}}>) => {
  if (data.lsp !== undefined) {
    scope.seatrial.send?.(JSON.stringify(data.lsp));
  } else if (data.convert) {
    const {id, text, form, version} = data.convert;
    scope.postMessage({converted: {id, ...(scope.seatrial.convert?.(text, form, version) as object)}});
  }
};

// open gets the linter: from a server that compresses, or, elsewhere, as a compressed file.
async function open(): Promise<Response> {
  const response = await fetch(WASM);
  if (response.ok && response.headers.get('Content-Type') === 'application/wasm') {
    return response;
  }
  const compressed = await fetch(`${WASM}.gz`);
  if (!compressed.ok || !compressed.body) {
    throw new Error(`${WASM}.gz: ${compressed.status} ${compressed.statusText}`);
  }
  const stream = compressed.body.pipeThrough(new DecompressionStream('gzip'));
  return new Response(stream, {headers: {'Content-Type': 'application/wasm'}});
}

async function start(): Promise<void> {
  const response = await open();
  const go = new Go();
  const {instance} = await WebAssembly.instantiateStreaming(response, go.importObject);
  await go.run(instance);
}

start().then(
  () => { scope.postMessage({failed: 'the linter has ended'}); },
  (err: unknown) => { scope.postMessage({failed: String(err)}); },
);

// A text in the fragment of the address, which browsers do not send to anybody.

async function through(data: Uint8Array, stream: GenericTransformStream): Promise<Uint8Array> {
  const blob = new Blob([data as BlobPart]);
  const piped = blob.stream().pipeThrough(stream as ReadableWritablePair<Uint8Array, Uint8Array<ArrayBuffer>>);
  return new Uint8Array(await new Response(piped).arrayBuffer());
}

/** Returns the fragment for a text and a version. */
export async function fragment(text: string, version: string): Promise<string> {
  const packed = await through(new TextEncoder().encode(text), new CompressionStream('deflate-raw'));
  let binary = '';
  for (const byte of packed) {
    binary += String.fromCharCode(byte);
  }
  const encoded = btoa(binary).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
  return `#v=${version}&t=${encoded}`;
}

/** Returns the text and the version of a fragment; null if it has none that can be read. */
export async function shared(hash: string): Promise<{text: string; version: string} | null> {
  const params = new URLSearchParams(hash.slice(1));
  const encoded = params.get('t');
  if (encoded === null) {
    return null;
  }
  try {
    const binary = atob(encoded.replaceAll('-', '+').replaceAll('_', '/'));
    const unpacked = await through(Uint8Array.from(binary, (c) => c.charCodeAt(0)), new DecompressionStream('deflate-raw'));
    return {text: new TextDecoder('utf-8', {fatal: true}).decode(unpacked), version: params.get('v') ?? ''};
  } catch {
    return null;
  }
}

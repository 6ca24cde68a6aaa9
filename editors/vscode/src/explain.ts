/** A field, as `seatrial explain -o json` describes it. */
export interface Field {
  readonly name?: string;
  readonly path?: string;
  readonly type: string;
  readonly description?: string;
  readonly required?: boolean;
  readonly default?: unknown;
  readonly enum?: readonly unknown[];
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly since?: string;
  readonly deprecated?: boolean;
  readonly removed?: string;
  readonly constraints?: readonly {readonly text?: string; readonly message?: string; readonly rule?: string}[];
  readonly fields?: readonly Field[];
}

/** What the server answers to `seatrial.explain`. */
export interface Explanation {
  readonly address: string;
  readonly kubernetesVersion: string;
  readonly resource: {readonly kind: string; readonly apiVersion?: string};
  readonly field: Field;
}

/** Returns text that stands for itself in HTML. */
export function escape(text: string): string {
  return text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);
}

const code = (text: string): string => `<code>${escape(text)}</code>`;

/** Returns the facts about a field: name and HTML. */
function facts(field: Field): [string, string][] {
  const all: [string, string][] = [];
  const add = (name: string, value: unknown): void => {
    if (value !== undefined && value !== '') {
      all.push([name, code(typeof value === 'string' ? value : JSON.stringify(value))]);
    }
  };
  add('Default', field.default);
  if (field.enum?.length) {
    all.push(['Values', field.enum.map((value) => code(String(value))).join(', ')]);
  }
  add('Pattern', field.pattern);
  add('Minimum', field.minimum);
  add('Maximum', field.maximum);
  add('Since', field.since);
  add('Removed in', field.removed);
  for (const c of field.constraints ?? []) {
    all.push(['Constraint', escape(c.text ?? c.message ?? c.rule ?? '')]);
  }
  return all;
}

function row(field: Field): string {
  const marks = [field.required ? 'required' : '', field.deprecated ? 'deprecated' : ''].filter((mark) => mark !== '');
  const summary = (field.description ?? '').split(/(?<=\.)\s/)[0] ?? '';
  return `<tr><th scope="row">${code(field.name ?? '')}</th><td>${code(field.type)} ${marks.map((m) => `<em>${m}</em>`).join(' ')}</td><td>${escape(summary)}</td></tr>`;
}

const style = `body{max-width:60rem;line-height:1.5;padding:0 1rem;font-family:var(--vscode-font-family)}
code{font-family:var(--vscode-editor-font-family)} h1{font-size:1.3rem;overflow-wrap:anywhere}
table{border-collapse:collapse} th,td{text-align:left;vertical-align:top;padding:.2rem .8rem .2rem 0}
dt{font-weight:600} dd{margin:0 0 .4rem}`;

/** Returns the page that explains a field. It needs no script and loads nothing. */
export function explanationPage(e: Explanation): string {
  const {field} = e;
  const list = facts(field).map(([name, value]) => `<dt>${name}</dt><dd>${value}</dd>`).join('');
  const rows = (field.fields ?? []).map(row).join('');
  return `<!doctype html><html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${escape(e.address)}</title><style>${style}</style></head><body>
<h1>${escape(e.address)}</h1>
<p>${code(field.type)}${field.required ? ' <em>required</em>' : ''}${field.deprecated ? ' <em>deprecated</em>' : ''} · Kubernetes ${escape(e.kubernetesVersion)}</p>
${(field.description ?? '').split(/\n+/).map((p) => `<p>${escape(p)}</p>`).join('')}
${list && `<dl>${list}</dl>`}${rows && `<h2>Fields</h2><table>${rows}</table>`}
</body></html>`;
}

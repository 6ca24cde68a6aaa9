import {autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap, type Completion, type CompletionContext, type CompletionResult} from '@codemirror/autocomplete';
import {defaultKeymap, history, historyKeymap, indentWithTab} from '@codemirror/commands';
import {yaml} from '@codemirror/lang-yaml';
import {bracketMatching, foldGutter, foldKeymap, HighlightStyle, indentOnInput, indentUnit, syntaxHighlighting} from '@codemirror/language';
import {lintGutter, lintKeymap, setDiagnostics, type Diagnostic as Mark} from '@codemirror/lint';
import {highlightSelectionMatches, searchKeymap} from '@codemirror/search';
import {EditorState} from '@codemirror/state';
import {drawSelection, EditorView, highlightActiveLine, highlightActiveLineGutter, keymap, lineNumbers} from '@codemirror/view';
import {tags} from '@lezer/highlight';
import {Client, uri, type CodeAction, type Diagnostic, type Explanation, type Field, type Position, type Range, type TextEdit} from './client';
import {examples} from './examples';
import {fragment, shared} from './share';

const client = new Client();
const element = <T extends HTMLElement>(id: string): T => document.getElementById(id) as T;
const verdict = element('verdict');
const versions = element<HTMLSelectElement>('version');
const fix = element<HTMLButtonElement>('fix');

/** Makes an element with a class, and texts or elements in it. */
function make(tag: string, name: string, ...children: (string | Node)[]): HTMLElement {
  const made = document.createElement(tag);
  if (name !== '') {
    made.className = name;
  }
  made.append(...children);
  return made;
}

// The editor. Its styles are sheets of a shadow root, so that the page needs no inline styles.

const colours = HighlightStyle.define([
  {tag: [tags.propertyName, tags.definition(tags.propertyName)], color: 'var(--accent)'},
  {tag: [tags.string, tags.special(tags.string)], color: 'var(--type)'},
  {tag: [tags.number, tags.bool, tags.null, tags.keyword, tags.atom], color: 'var(--old)'},
  {tag: tags.comment, color: 'var(--soft)', fontStyle: 'italic'},
  {tag: [tags.meta, tags.labelName, tags.typeName], color: 'var(--req)'},
]);

const look = EditorView.theme({
  '&': {height: '100%', backgroundColor: 'var(--bg)', color: 'var(--text)', fontSize: '.875rem'},
  '.cm-scroller': {fontFamily: 'var(--mono)', lineHeight: '1.6'},
  '.cm-content': {caretColor: 'var(--accent)'},
  '.cm-cursor': {borderLeftColor: 'var(--accent)', borderLeftWidth: '2px'},
  '.cm-gutters': {backgroundColor: 'var(--bg)', color: 'var(--soft)', borderRight: '1px solid var(--line)'},
  '.cm-activeLine, .cm-activeLineGutter': {backgroundColor: 'color-mix(in srgb, var(--accent-soft) 45%, transparent)'},
  '&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground': {backgroundColor: 'var(--mark)'},
  '.cm-tooltip': {backgroundColor: 'var(--bg)', color: 'var(--text)', border: '1px solid var(--line)', borderRadius: '8px', boxShadow: 'var(--shadow)'},
  '.cm-tooltip-autocomplete > ul > li[aria-selected]': {backgroundColor: 'var(--accent)', color: 'var(--bg)'},
  '.cm-completionDetail': {fontStyle: 'normal', opacity: '.8'},
  '.cm-completionInfo': {maxWidth: '26rem', whiteSpace: 'pre-line', fontFamily: 'var(--sans)'},
  '.cm-diagnostic': {fontFamily: 'var(--sans)', whiteSpace: 'pre-line', maxWidth: '34rem'},
  '.cm-diagnosticAction': {backgroundColor: 'var(--accent)', color: 'var(--bg)', borderRadius: '6px'},
  '.cm-lintRange': {backgroundImage: 'none', paddingBottom: '0', textDecoration: 'underline wavy var(--soft)', textUnderlineOffset: '3px'},
  '.cm-lintRange.cm-lintRange-error': {backgroundImage: 'none', textDecorationColor: 'var(--req)'},
  '.cm-lintRange.cm-lintRange-warning': {backgroundImage: 'none', textDecorationColor: 'var(--old)'},
  '.cm-lintRange.cm-lintRange-info, .cm-lintRange.cm-lintRange-hint': {backgroundImage: 'none'},
  '.cm-lint-marker': {content: 'none', borderRadius: '50%', width: '.6em', height: '.6em', margin: '.4em .1em', background: 'var(--soft)'},
  '.cm-lint-marker.cm-lint-marker-error': {content: 'none', background: 'var(--req)'},
  '.cm-lint-marker.cm-lint-marker-warning': {content: 'none', background: 'var(--old)'},
  '.cm-lint-marker.cm-lint-marker-info': {content: 'none'},
  '.cm-panels': {backgroundColor: 'var(--raised)', color: 'var(--text)'},
  '.cm-foldPlaceholder': {backgroundColor: 'var(--code)', borderColor: 'var(--line)', color: 'var(--soft)'},
});

const shadow = element('editor').attachShadow({mode: 'open'});
const sheet = new CSSStyleSheet();
sheet.replaceSync(':host{display:grid} .cm-editor{min-width:0;height:100%} .cm-editor.cm-focused{outline:none}');
shadow.adoptedStyleSheets = [sheet];

const view = new EditorView({
  parent: shadow, root: shadow,
  state: EditorState.create({
    extensions: [
      lineNumbers(), lintGutter(), foldGutter(), history(), drawSelection(), indentOnInput(), indentUnit.of('  '),
      EditorState.tabSize.of(2), bracketMatching(), closeBrackets(), highlightActiveLine(), highlightActiveLineGutter(),
      highlightSelectionMatches(), yaml(), syntaxHighlighting(colours), look, EditorView.lineWrapping,
      autocompletion({override: [complete], activateOnTypingDelay: 60}),
      keymap.of([...closeBracketsKeymap, ...defaultKeymap, ...searchKeymap, ...historyKeymap, ...foldKeymap, ...completionKeymap, ...lintKeymap, indentWithTab]),
      EditorView.contentAttributes.of({'aria-label': 'Manifest', spellcheck: 'false', autocapitalize: 'off'}),
      EditorView.updateListener.of((update) => {
        if (update.docChanged) {
          changed();
        } else if (update.selectionSet) {
          moved();
        }
      }),
    ],
  }),
});

const text = (): string => view.state.doc.toString();

function offset(p: Position): number {
  const line = view.state.doc.line(Math.min(p.line + 1, view.state.doc.lines));
  return Math.min(line.from + p.character, line.to);
}

function position(at: number): Position {
  const line = view.state.doc.lineAt(at);
  return {line: line.number - 1, character: at - line.from};
}

const whole = (): Range => ({start: {line: 0, character: 0}, end: position(view.state.doc.length)});

function replace(content: string): void {
  view.dispatch({changes: {from: 0, to: view.state.doc.length, insert: content}, selection: {anchor: 0}});
}

function apply(edits: readonly TextEdit[]): void {
  view.dispatch({changes: edits.map((e) => ({from: offset(e.range.start), to: offset(e.range.end), insert: e.newText}))});
  view.focus();
}

// Findings.

let running = false;
let started = false;
let dirty = false;
let moving: number | undefined;
let everything: CodeAction | undefined;

function changed(): void {
  if (!started) {
    return;
  }
  client.change(text());
  void judge();
  moved();
}

/** Asks for the findings of the text, until it has those of the text as it is. */
async function judge(): Promise<void> {
  dirty = true;
  if (running) {
    return;
  }
  running = true;
  try {
    while (dirty) {
      dirty = false;
      const found = await client.diagnostics();
      const actions = dirty ? [] : await client.actions(whole());
      if (!dirty) {
        showFindings(found, actions);
      }
    }
  } catch (err) {
    fail(err);
  } finally {
    running = false;
  }
}

const severities = ['error', 'error', 'warning', 'info', 'info'] as const;
const sameRange = (a: Range, b: Range): boolean => JSON.stringify(a) === JSON.stringify(b);

/** Returns the fixes of a finding: not the comments that silence it. */
function fixesOf(d: Diagnostic, actions: readonly CodeAction[]): CodeAction[] {
  return actions.filter((a) => a.kind === 'quickfix' && !a.title.startsWith('silence ')
    && a.diagnostics?.some((of) => of.code === d.code && of.message === d.message && sameRange(of.range, d.range)));
}

const editsOf = (a: CodeAction): TextEdit[] => a.edit.changes[uri] ?? [];

function showFindings(found: Diagnostic[], actions: CodeAction[]): void {
  const marks: Mark[] = found.map((d) => ({
    from: offset(d.range.start), to: offset(d.range.end), severity: severities[d.severity] ?? 'info', message: d.message, source: d.code,
    actions: fixesOf(d, actions).slice(0, 3).map((a) => ({name: a.title, apply: () => { apply(editsOf(a)); }})),
  }));
  view.dispatch(setDiagnostics(view.state, marks));
  everything = actions.find((a) => a.kind === 'source.fixAll');
  fix.disabled = everything === undefined;
  const order = [...found].sort((a, b) => a.severity - b.severity || a.range.start.line - b.range.start.line);
  element('findings').replaceChildren(...(order.length ? order.map((d) => finding(d, fixesOf(d, actions))) : [nothing()]));
  showCount(found);
}

function nothing(): HTMLElement {
  return text().trim() === ''
    ? make('p', 'empty', 'Write a manifest, or choose an example.')
    : make('p', 'clean', 'The API server accepts this, and no rule has advice.');
}

function finding(d: Diagnostic, fixes: readonly CodeAction[]): HTMLElement {
  const [message = '', ...help] = d.message.split('\n');
  const severity = severities[d.severity] ?? 'info';
  const go = make('button', 'go', make('span', 'sev', severity), ` line ${d.range.start.line + 1}: `, make('b', '', message));
  go.addEventListener('click', () => {
    const at = offset(d.range.start);
    view.dispatch({selection: {anchor: at}, effects: EditorView.scrollIntoView(at, {y: 'center'})});
    view.focus();
  });
  const shown = make('article', `finding ${severity}`, go);
  if (help.length) {
    shown.append(make('p', 'help', help.join('\n')));
  }
  const row = make('div', 'row', make('code', '', d.code));
  for (const a of fixes.slice(0, 3)) {
    const button = make('button', 'button', a.title);
    button.addEventListener('click', () => { apply(editsOf(a)); });
    row.append(button);
  }
  shown.append(row);
  return shown;
}

function showCount(found: readonly Diagnostic[]): void {
  const errors = found.filter((d) => d.severity === 1).length;
  const count = element('count');
  count.hidden = found.length === 0;
  count.textContent = String(found.length);
  count.className = errors ? 'count error' : 'count';
  verdict.className = errors ? 'error' : 'clean';
  const advice = found.length - errors;
  verdict.textContent = errors
    ? `Kubernetes ${versions.value} rejects this: ${errors} error${errors === 1 ? '' : 's'}`
    : text().trim() === '' ? `Kubernetes ${versions.value}` : `Kubernetes ${versions.value} accepts this${advice ? `; ${advice} with advice` : ''}`;
}

function fail(err: unknown): void {
  verdict.className = 'error';
  verdict.textContent = err instanceof Error ? err.message : String(err);
}

// Completion.

const kinds: Record<number, string> = {5: 'property', 7: 'class', 12: 'enum', 18: 'variable'};

async function complete(context: CompletionContext): Promise<CompletionResult | null> {
  if (!started) {
    return null;
  }
  const word = context.matchBefore(/[\w.-]*/);
  if (!context.explicit && (word === null || word.from === word.to) && !/[:\-]\s$/.test(context.state.sliceDoc(Math.max(0, context.pos - 2), context.pos))) {
    return null;
  }
  const items = await client.completions(position(context.pos));
  if (context.aborted || items.length === 0) {
    return null;
  }
  const options: Completion[] = items.map((item, i) => ({
    label: item.label, detail: item.detail ?? '', type: kinds[item.kind] ?? 'text', boost: -Math.min(i, 99),
    ...(item.documentation && {info: () => make('div', '', item.documentation?.value ?? '')}),
    apply: (target) => {
      const {range, newText} = item.textEdit;
      const from = offset(range.start);
      target.dispatch({changes: {from, to: Math.max(offset(range.end), target.state.selection.main.head), insert: newText}, selection: {anchor: from + newText.length}});
    },
  }));
  return {from: offset(items[0]?.textEdit.range.start ?? position(context.pos)), options, validFor: /^[\w.\-/]*$/};
}

// Explain.

function moved(): void {
  if (!started || element('explain').hidden) {
    return;
  }
  window.clearTimeout(moving);
  moving = window.setTimeout(() => { void explain(); }, 120);
}

async function explain(): Promise<void> {
  try {
    const answer = await client.explain(position(view.state.selection.main.head));
    element('explain').replaceChildren(answer ? explained(answer) : make('p', 'empty', 'Put the cursor on a field of an object to read what it means.'));
  } catch (err) {
    fail(err);
  }
}

function explained(e: Explanation): HTMLElement {
  const shown = make('div', 'explained', make('h2', '', e.address), make('p', '', make('code', '', e.field.type), e.field.required ? ' required' : ''));
  for (const paragraph of (e.field.description ?? '').split(/\n+/)) {
    shown.append(make('p', '', paragraph));
  }
  const facts = make('dl', '');
  const add = (name: string, value: unknown): void => {
    if (value !== undefined && value !== '') {
      facts.append(make('dt', '', name), make('dd', '', make('code', '', typeof value === 'string' ? value : JSON.stringify(value))));
    }
  };
  add('Default', e.field.default);
  add('Values', e.field.enum?.join(', '));
  add('Pattern', e.field.pattern);
  add('Minimum', e.field.minimum);
  add('Maximum', e.field.maximum);
  add('Since', e.field.since);
  if (facts.children.length) {
    shown.append(facts);
  }
  if (e.field.fields?.length) {
    shown.append(make('h3', '', 'Fields'), make('ul', 'fields', ...e.field.fields.map(row)));
  }
  return shown;
}

function row(f: Field): HTMLElement {
  const summary = (f.description ?? '').split(/(?<=\.)\s/)[0] ?? '';
  return make('li', '', make('code', '', f.name ?? ''), ' ', make('span', 'soft', f.type), f.required ? make('span', 'req', ' required') : '', ' ', summary);
}

// Convert.

async function convert(form: string): Promise<void> {
  const {text: out, error} = await client.convert(text(), form, versions.value);
  const problem = element('converterror');
  problem.hidden = error === '';
  problem.textContent = error;
  element('converted').hidden = element('take').hidden = out === '';
  element('converted').textContent = out;
}

for (const button of document.querySelectorAll<HTMLButtonElement>('[data-form]')) {
  button.addEventListener('click', () => { convert(button.dataset['form'] ?? 'yaml').catch(fail); });
}
element('take').addEventListener('click', () => { replace(element('converted').textContent); });

// What stands around the editor.

const tabs = [...document.querySelectorAll<HTMLButtonElement>('[role="tab"]')];

function choose(tab: HTMLButtonElement): void {
  for (const t of tabs) {
    const chosen = t === tab;
    t.setAttribute('aria-selected', String(chosen));
    t.tabIndex = chosen ? 0 : -1;
    element(t.getAttribute('aria-controls') ?? '').hidden = !chosen;
  }
  if (!element('explain').hidden && started) {
    void explain();
  }
}

tabs.forEach((tab, i) => {
  tab.addEventListener('click', () => { choose(tab); });
  tab.addEventListener('keydown', (e) => {
    const step = e.key === 'ArrowRight' ? 1 : e.key === 'ArrowLeft' ? tabs.length - 1 : 0;
    const next = tabs[(i + step) % tabs.length];
    if (step && next) {
      choose(next);
      next.focus();
    }
  });
});

fix.addEventListener('click', () => {
  if (everything) {
    apply(editsOf(everything));
  }
});

element('share').addEventListener('click', () => {
  fragment(text(), versions.value).then(async (hash) => {
    history_(hash);
    try {
      await navigator.clipboard.writeText(location.href);
      verdict.textContent = 'The link is in the clipboard: the text is part of the link.';
    } catch {
      verdict.textContent = 'The address of this page has the text: copy it.';
    }
  }, fail);
});

function history_(hash: string): void {
  window.history.replaceState(null, '', hash);
}

element('download').addEventListener('click', () => {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([text()], {type: 'application/yaml'}));
  link.download = text().trimStart().startsWith('{') ? 'manifest.json' : 'manifest.yaml';
  link.click();
  URL.revokeObjectURL(link.href);
});

element('theme').addEventListener('click', () => {
  const root = document.documentElement;
  const dark = root.dataset['theme'] ? root.dataset['theme'] === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches;
  root.dataset['theme'] = dark ? 'light' : 'dark';
  try {
    localStorage.setItem('seatrial-theme', root.dataset['theme']);
  } catch { /* no storage: the choice holds for this visit */ }
});

const example = element<HTMLSelectElement>('example');
example.append(...examples.map((e, i) => new Option(e.name, String(i))));
example.addEventListener('change', () => {
  replace(examples[Number(example.value)]?.text ?? '');
  history_(location.pathname);
});

versions.addEventListener('change', () => {
  client.configure(versions.value);
  void judge();
  moved();
});

async function start(): Promise<void> {
  const given = await shared(location.hash);
  if (given) {
    example.prepend(new Option('Shared', ''));
    example.value = '';
  }
  replace(given?.text ?? examples[0]?.text ?? '');
  const known = await client.ready;
  const targets = [...known.versions].reverse();
  versions.replaceChildren(...targets.map((v) => new Option(`Kubernetes ${v}`, v)));
  versions.value = given && targets.includes(given.version) ? given.version : targets[0] ?? '';
  versions.disabled = false;
  await client.start(text(), versions.value);
  started = true;
  await judge();
  performance.mark('verdict');
}

start().catch(fail);

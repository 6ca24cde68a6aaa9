'use strict';
(() => {
const $ = (s) => document.querySelector(s);
const review = JSON.parse($('#data').textContent);
const original = JSON.stringify(review, null, 2) + '\n';

// el makes an element: el('p.soft', {title: 'x'}, 'text', child).
function el(tag, attrs, ...children) {
  const [name, ...classes] = tag.split('.');
  const e = document.createElement(name);
  if (classes.length) e.className = classes.join(' ');
  for (const [k, v] of Object.entries(attrs || {})) {
    if (v === undefined || v === null || v === false) continue;
    if (k.startsWith('on')) e.addEventListener(k.slice(2), v); else e.setAttribute(k, v === true ? '' : v);
  }
  e.append(...children.flat(3).filter((c) => c !== null && c !== undefined && c !== false && c !== ''));
  return e;
}
const nameOf = (o) => !o.kind ? o.name : o.kind + ' ' + (o.namespace ? o.namespace + '/' : '') + o.name;
const plural = (n, one) => n + ' ' + (n === 1 ? one : one + 's');
const place = (file, line) => file ? file + (line ? ':' + line : '') : '';
let chosen = ''; // environment; empty: all
const mine = (x) => !chosen || x.environments.includes(chosen);
const risk = (r) => el('span.risk.' + r, null, r);
const where = (x, file, line) => el('small', null,
  [place(file, line), review.environments.length > 1 ? x.environments.join(', ') : ''].filter(Boolean).join(' · '));

function section(id, title, items) {
  if (!items.length) return null;
  return el('section', {id, 'aria-label': title}, el('div.head', null, el('h2', null, title), el('small', null, plural(items.length, 'entry').replace('entrys', 'entries'))),
    el('div.items', null, items));
}
const finding = (f) => el('div.item', null,
  el('div.title', null, el('b', null, nameOf(f.object) || f.file), el('small.mono', null, f.rule)),
  el('p', null, f.path && !f.message.startsWith(f.path) ? f.path + ': ' + f.message : f.message),
  f.detail && el('p.soft', null, f.detail),
  f.related.map((r) => el('small', null, place(r.file, r.line) + ': ' + r.message)),
  where(f, f.file, f.line));
const consequence = (c) => el('div.item', null,
  el('div.title', null, risk(c.risk), el('b', null, nameOf(c.object)), el('small.mono', null, c.kind)),
  el('p', null, c.message), c.details.length > 0 && el('ul', null, c.details.map((d) => el('li', null, d))), where(c, c.file, c.line));
const glyphs = {create: '+', update: '~', delete: '-', rename: '>'};
function fields(list) {
  return el('pre.diff', null, list.map((f) => {
    const lines = f.lines || [...(f.before ? ['-' + f.before] : []), ...(f.after ? ['+' + f.after] : [])];
    return [el('span.path', null, f.path + (f.defaulted ? ' (by the server)' : '')),
      lines.map((l) => el('span.' + (l[0] === '-' ? 'minus' : l[0] === '+' ? 'plus' : 'same'), null, l))];
  }));
}
function change(c) {
  const title = [el('span.act.' + c.action, {title: c.action}, glyphs[c.action]),
    el('b', null, nameOf(c.object)), c.was.name && el('small', null, 'was ' + nameOf(c.was)), where(c, c.file, c.line)];
  const fate = c.fate && el('p.soft', null, (c.fate === 'left' ? 'stays in the cluster: ' : 'is deleted: ') + c.why);
  if (!c.fields.length) return el('div.item', null, el('div.title', null, title), fate);
  return el('details.item', {open: review.changes.length <= 12}, el('summary', null, title), fate, fields(c.fields));
}
function rollout(o) {
  const text = !o.simulated ? 'not simulated: ' + o.why
    : (o.completes ? `completes after ${Math.round(o.seconds)} s` : 'does not complete: ' + o.why);
  return el('div.item', null,
    el('div.title', null, el('span.risk.' + (!o.simulated ? 'none' : o.completes ? 'low' : 'high'), null, !o.simulated ? 'unknown' : o.completes ? 'completes' : 'stalls'),
      el('b', null, o.environment), el('small', null, o.simulated ? 'on ' + (o.nodes || 'nodes with room') : '')),
    el('p', null, text),
    el('ul', null, o.workloads.map((w) => el('li', null,
      `${nameOf(w.object)}: at least ${w.minAvailable} of ${w.desired} available, at most ${plural(w.maxPods, 'pod')}`)),
    [...o.problems, ...o.remedies].map((p) => el('li', null, p))));
}
function total(t) {
  const keys = [...new Set([...Object.keys(t.before), ...Object.keys(t.after)])].sort().filter((k) => t.before[k] !== t.after[k]);
  return el('div.item', null, el('div.title', null, el('b', null, 'namespace ' + t.namespace), el('small', null, t.environment)),
    el('table.sums', null, keys.map((k) => el('tr', null, el('th', null, k), el('td', null, t.before[k] || '0'), el('td', null, '→'), el('td', null, t.after[k] || '0')))));
}

function button(e) {
  return el('button', {type: 'button', 'aria-pressed': String(chosen === e.name), onclick: () => { chosen = chosen === e.name ? '' : e.name; render(); }},
    el('span', null, e.name), el('small', null, risk(e.risk), ' ', e.reasons.length ? e.reasons[0] : ''));
}
function verdict() {
  const e = review.environments.find((x) => x.name === chosen);
  const reasons = e ? e.reasons : review.environments.flatMap((x) => x.reasons.slice(0, 1).map((r) => x.name + ': ' + r)).slice(0, 8);
  return el('div.verdict.' + (e ? e.risk : review.risk), null,
    el('span.state', null, (e ? e.risk : review.risk) + ' risk'),
    el('h1', null, e ? e.name : $('title').textContent.replace('Review: ', '')),
    reasons.length > 0 && el('ul', null, reasons.map((r) => el('li', null, r))),
    e && e.was && el('p.soft', null, 'was ' + e.was), e && e.problem && el('p', null, e.problem),
    e && e.varying.map((v) => el('small', null, `not deterministic, no change: ${v.path || 'the name'} of ${nameOf(v.object)}`)),
    review.notes.map((n) => el('p.soft', null, n)),
    el('small', null, `${review.base.name}${review.base.commit ? ' (' + review.base.commit.slice(0, 7) + ')' : ''} → ${review.head.name}`));
}
function render() {
  const inEnvironment = (x) => !chosen || x.environment === chosen;
  const sections = [
    section('refused', 'The API server refuses', review.refused.filter(mine).map(finding)),
    section('consequences', 'What follows', review.consequences.filter(mine).map(consequence)),
    section('changes', 'Changes', review.changes.filter(mine).map(change)),
    section('rollout', 'Rollout', review.rollouts.filter(inEnvironment).map(rollout)),
    section('new', 'New findings', review.new.filter(mine).map(finding)),
    section('fixed', 'Fixed findings', review.fixed.filter(mine).map(finding)),
    section('sums', 'Requests and limits', review.totals.filter(inEnvironment).map(total)),
  ].filter(Boolean);
  $('#main').replaceChildren(el('div.review', null,
    el('div.envs', {role: 'group', 'aria-label': 'Environments'}, review.environments.map(button),
      el('small', null, review.unchanged ? plural(review.unchanged, 'environment') + ' unchanged' : '')),
    el('div.body', null, verdict(), sections)));
  $('#nav').replaceChildren(...sections.map((s) => el('a', {href: '#' + s.id}, s.getAttribute('aria-label'))));
}
$('#download').addEventListener('click', () => {
  const url = URL.createObjectURL(new Blob([original], {type: 'application/json'}));
  el('a', {href: url, download: 'review.json'}).click();
  setTimeout(() => URL.revokeObjectURL(url), 1000);
});
const dark = matchMedia('(prefers-color-scheme: dark)');
const paintTheme = (t) => { document.documentElement.dataset.theme = t; };
paintTheme(new URLSearchParams(location.hash.slice(1)).get('theme') || (dark.matches ? 'dark' : 'light'));
dark.addEventListener('change', () => paintTheme(dark.matches ? 'dark' : 'light'));
$('#theme').addEventListener('click', () => paintTheme(document.documentElement.dataset.theme === 'dark' ? 'light' : 'dark'));
render();
document.documentElement.dataset.ready = 'yes';
})();

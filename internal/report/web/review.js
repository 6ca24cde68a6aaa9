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
const short = (name) => name.replace(/\b([0-9a-f]{7})[0-9a-f]{33}\b/g, '$1');
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
    return [el('span.path', null, f.path + (f.defaulted ? ' (by the server)' : ''), f.file && el('span.at', null, (f.after ? '' : 'was ') + place(f.file, f.line))),
      lines.map((l) => el('span.' + (l[0] === '-' ? 'minus' : l[0] === '+' ? 'plus' : 'same'), null, l[0] + ' ' + l.slice(1)))];
  }));
}
function change(c) {
  const title = [el('span.act.' + c.action, {title: c.action}, glyphs[c.action]),
    el('b', null, nameOf(c.object)), c.was.name && el('small', null, 'was ' + nameOf(c.was)), where(c, c.file, c.line)];
  const fate = c.fate && el('p.soft', null, (c.fate === 'left' ? 'stays in the cluster: ' : 'is deleted: ') + c.why);
  if (!c.fields.length) return el('div.item', null, el('div.title', null, title), fate);
  return el('details.item', {open: review.changes.length <= 12}, el('summary', null, title), fate, fields(c.fields));
}
function svg(tag, attrs, ...children) {
  const e = document.createElementNS('http://www.w3.org/2000/svg', tag);
  for (const [k, v] of Object.entries(attrs || {})) e.setAttribute(k, v);
  e.append(...children);
  return e;
}
const label = (t) => (Number.isInteger(t) ? t : t.toFixed(1)) + ' s';
const ready = {new: 'of the new template', old: 'from before', stop: 'stopping'}; // as they are stacked
// curve draws how many pods of a workload there are over time, as the page of a plan does.
function curve(w, end) {
  const W = 640, H = 190, L = 30, R = 10, T = 12, B = 24, span = Math.max(end, ...w.curve.map((p) => p.at), 1);
  const points = w.curve.map((p) => ({at: Math.max(p.at, 0), new: p.new, old: p.old, stop: p.stopping, available: p.available, desired: p.desired}));
  const kinds = Object.keys(ready).filter((k) => points.some((p) => p[k] > 0));
  const top = Math.max(1, ...points.map((p) => Math.max(p.new + p.old + p.stop, p.desired)));
  const x = (t) => L + t / span * (W - L - R), y = (n) => T + (1 - n / top) * (H - T - B);
  const until = (i) => i + 1 < points.length ? x(points[i + 1].at) : W - R;
  const pic = svg('svg', {viewBox: `0 0 ${W} ${H}`, role: 'img', 'aria-label': `${nameOf(w.object)}: ${w.desired} wanted, at least ${w.minAvailable} available, at most ${plural(w.maxPods, 'pod')}`});
  for (let n = 0, step = Math.ceil(top / 5); n <= top; n += step) pic.append(svg('line', {class: 'grid', x1: L, x2: W - R, y1: y(n), y2: y(n)}), svg('text', {x: L - 7, y: y(n) + 4, 'text-anchor': 'end'}, n));
  for (const f of [0, .25, .5, .75, 1]) pic.append(svg('text', {x: x(span * f), y: H - 6, 'text-anchor': f === 0 ? 'start' : f === 1 ? 'end' : 'middle'}, label(Math.round(span * f * 10) / 10)));
  const sums = points.map(() => 0);
  for (const k of kinds) {
    let up = '', down = '';
    points.forEach((p, i) => {
      const low = sums[i], high = low + p[k];
      up += `${up ? 'L' : 'M'}${x(p.at)} ${y(high)}L${until(i)} ${y(high)}`;
      down = `L${until(i)} ${y(low)}L${x(p.at)} ${y(low)}` + down;
      sums[i] = high;
    });
    pic.append(svg('path', {class: 'a-' + k, d: up + down + 'Z'}));
  }
  for (const [key, cls] of [['desired', 'l-want'], ['available', 'l-avail']]) {
    pic.append(svg('path', {class: cls, d: points.map((p, i) => `${i ? 'L' : 'M'}${x(p.at)} ${y(p[key])}L${until(i)} ${y(p[key])}`).join('')}));
  }
  const key = (k, text) => el('span', null, el('span.key' + k), text);
  return el('div.chart', null, pic, el('div.legend', null, key('.line', 'available'), key('.dash', 'wanted'), kinds.map((k) => key('.k-' + k, ready[k]))));
}
function timeline(o) {
  const steps = o.timeline || [];
  return steps.length > 0 && el('details', null, el('summary', null, `Timeline: ${plural(steps.length, 'step')}`),
    el('div.scroll', null, el('table.steps', null, steps.map((s) => el('tr' + (s.warning ? '.warn' : ''), null,
      el('td', null, label(Math.round(s.at * 10) / 10)), el('td', null, s.event + (s.count > 1 ? ' ×' + s.count : '')), el('td', null, nameOf(s.object)),
      el('td', null, [s.message, s.node && !s.message.includes(s.node) ? s.node : ''].filter(Boolean).join(' · ')))))));
}
function rollout(o) {
  const text = !o.simulated ? 'not simulated: ' + o.why
    : (o.completes ? `completes after ${Math.round(o.seconds)} s` : 'does not complete: ' + o.why);
  return el('div.item', null,
    el('div.title', null, el('span.risk.' + (!o.simulated ? 'none' : o.completes ? 'low' : 'high'), null, !o.simulated ? 'unknown' : o.completes ? 'completes' : 'stalls'),
      el('b', null, o.environment), el('small', null, o.simulated ? 'on ' + (o.nodes || 'nodes with room') : '')),
    el('p', null, text),
    (o.problems.length + o.remedies.length > 0) && el('ul', null, [...o.problems, ...o.remedies].map((p) => el('li', null, p))),
    o.workloads.map((w) => el('div.rolling', null, el('b', null, nameOf(w.object)),
      el('small', null, [w.strategy, `at least ${w.minAvailable} of ${w.desired} available, at most ${plural(w.maxPods, 'pod')}`].filter(Boolean).join(' · ')),
      w.curve && w.curve.length > 1 && curve(w, o.seconds))),
    timeline(o));
}
const room = (list) => list.map((r) => r.left.startsWith('-') ? `${r.resource} is ${r.left.slice(1)} over ${r.of}` : `${r.resource} ${r.left} of ${r.of}`).join(', ');
function total(t) {
  const keys = [...new Set([...Object.keys(t.before), ...Object.keys(t.after)])].sort().filter((k) => t.before[k] !== t.after[k]);
  return el('div.item', null, el('div.title', null, el('b', null, 'namespace ' + t.namespace), el('small', null, t.environment)),
    el('table.sums', null, keys.map((k) => el('tr', null, el('th', null, k), el('td', null, t.before[k] || '0'), el('td', null, '→'), el('td', null, t.after[k] || '0')))),
    t.quota && el('p.soft', null, 'left of the quota: ' + room(t.quota)));
}
const nodeRoom = (n) => el('div.item', null, el('div.title', null, el('b', null, plural(n.nodes, 'node')), el('small', null, n.environment)),
  el('p', null, 'left: ' + room(n.room)));

function button(e) {
  return el('button', {type: 'button', 'aria-pressed': String(chosen === e.name), onclick: () => { chosen = chosen === e.name ? '' : e.name; render(); }},
    el('span', null, e.name), el('small', null, risk(e.risk), ' ', e.reasons.length ? e.reasons[0] : ''));
}
function verdict() {
  const e = review.environments.find((x) => x.name === chosen);
  const reasons = e ? e.reasons : review.environments.flatMap((x) => x.reasons.slice(0, 1).map((r) => x.name + ': ' + r)).slice(0, 8);
  return el('div.verdict.' + (e ? e.risk : review.risk), null,
    el('span.state', null, (e ? e.risk : review.risk) + ' risk'),
    el('h1', null, e ? e.name : $('title').textContent.replace(/^Review: (\w+ risk[,:] )?/, '')),
    reasons.length > 0 && el('ul', null, reasons.map((r) => el('li', null, r))),
    e && e.was && el('p.soft', null, 'was ' + e.was), e && e.problem && el('p', null, e.problem),
    e && e.varying.map((v) => el('small', null, `not deterministic, no change: ${v.path || 'the name'} of ${nameOf(v.object)}`)),
    review.notes.map((n) => el('p.soft', null, n)),
    el('small', null, `${short(review.base.name)}${review.base.commit ? ' (' + review.base.commit.slice(0, 7) + ')' : ''} → ${short(review.head.name)}`));
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
    section('sums', 'Requests and limits', [...review.totals.filter(inEnvironment).map(total), ...review.nodeRooms.filter(inEnvironment).map(nodeRoom)]),
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

'use strict';
(async () => {
const $ = (s) => document.querySelector(s);
// read returns the data of the page; much of it is compressed.
async function read() {
  const e = $('#data');
  if (e.type === 'application/json') return JSON.parse(e.textContent);
  const bytes = Uint8Array.from(atob(e.textContent), (c) => c.charCodeAt(0));
  return JSON.parse(await new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream('deflate-raw'))).text());
}
const data = await read();
const original = JSON.stringify(data.report, null, 2) + '\n';
const plan = data.report;
const start = new URLSearchParams(location.hash.slice(1));

// el makes an element: el('p.soft', {title: 'x'}, 'text', child).
function el(tag, attrs, ...children) {
  const [name, ...classes] = tag.split('.');
  const e = document.createElement(name);
  if (classes.length) e.className = classes.join(' ');
  return fill(e, attrs, children);
}
const NS = 'http://www.w3.org/2000/svg';
const svg = (name, attrs, ...children) => fill(document.createElementNS(NS, name), attrs, children);
function fill(e, attrs, children) {
  for (const [k, v] of Object.entries(attrs || {})) {
    if (v === undefined || v === null || v === false) continue;
    if (k.startsWith('on')) e.addEventListener(k.slice(2), v); else e.setAttribute(k, v === true ? '' : v);
  }
  e.append(...children.flat().filter((c) => c !== null && c !== undefined && c !== false));
  return e;
}
const nameOf = (o) => !o || !o.kind ? '' : o.kind + ' ' + (o.namespace && o.namespace !== 'default' ? o.namespace + '/' : '') + o.name;
const same = (a, b) => !!a && !!b && a.kind === b.kind && a.name === b.name && a.namespace === b.namespace;
// middle makes a text that is cut in its middle where it has no room: the end of a pod's name tells it apart.
const middle = (text, tail = 6) => text.length <= 2 * tail ? [el('span.cut', {}, text)] : [el('span.cut', {}, text.slice(0, -tail)), el('span', {}, text.slice(-tail))];
const plural = (n, one, many) => n + ' ' + (n === 1 ? one : many || one + 's');
function span(t) {
  const s = Math.abs(t), sign = t < 0 ? '−' : '';
  if (s < 120) return sign + s.toFixed(1) + ' s';
  if (s < 7200) return sign + Math.floor(s / 60) + 'm' + String(Math.floor(s % 60)).padStart(2, '0') + 's';
  return sign + Math.floor(s / 3600) + 'h' + String(Math.floor(s % 3600 / 60)).padStart(2, '0') + 'm';
}

// Quantities of Kubernetes: 500m, 1Gi.
const units = {m: 1e-3, k: 1e3, M: 1e6, G: 1e9, T: 1e12, P: 1e15, Ki: 2 ** 10, Mi: 2 ** 20, Gi: 2 ** 30, Ti: 2 ** 40, Pi: 2 ** 50};
function quantity(q) {
  const m = /^([0-9.]+(?:e[0-9]+)?)([a-zA-Z]*)$/.exec(q || '');
  return m ? parseFloat(m[1]) * (units[m[2]] || 1) : 0;
}
const cores = (n) => Math.round(n * 1000) / 1000 + '';
const bytes = (n) => n >= 2 ** 30 ? Math.round(n / 2 ** 30 * 10) / 10 + 'Gi' : Math.round(n / 2 ** 20) + 'Mi';

// ---- time: idle stretches are drawn shorter than they are
const moments = [...new Set([0, plan.virtualSeconds, ...plan.timeline.map((s) => s.at), ...plan.workloads.flatMap((w) => w.curve.map((p) => p.at)),
  ...plan.pods.flatMap((p) => [...p.states.map((s) => s.at), p.gone ?? 0])].filter((t) => t >= 0))].sort((a, b) => a - b);
const end = Math.max(moments[moments.length - 1], 1);
if (moments[moments.length - 1] < end) moments.push(end);
const short = 12;
const gaps = moments.slice(1).map((t, i) => t - moments[i]);
const squeezed = (gap) => short + 4 * Math.log2(gap / short);
const busy = gaps.filter((g) => g <= short).reduce((a, b) => a + b, 0), idle = gaps.filter((g) => g > short).reduce((a, g) => a + squeezed(g), 0);
const share = busy > 0 && idle > busy ? Math.max(busy / idle, 0.05) : 1; // of what idle stretches would take: no more than the rest
const weight = (gap) => gap <= short ? gap : squeezed(gap) * share;
const places = [0];
for (let i = 1; i < moments.length; i++) places.push(places[i - 1] + weight(moments[i] - moments[i - 1]));
const width = places[places.length - 1] || 1;
function before(list, v) { // index of the last entry that is not after v
  let lo = 0, hi = list.length - 1;
  while (lo < hi) { const m = (lo + hi + 1) >> 1; if (list[m] <= v) lo = m; else hi = m - 1; }
  return lo;
}
function at(t) { // 0..1
  if (t <= 0) return 0;
  if (t >= end) return 1;
  const i = before(moments, t);
  if (i + 1 >= moments.length) return 1;
  return (places[i] + (places[i + 1] - places[i]) * (t - moments[i]) / (moments[i + 1] - moments[i])) / width;
}
function timeAt(x) {
  const v = Math.min(Math.max(x, 0), 1) * width, i = before(places, v);
  if (i + 1 >= moments.length) return end;
  const d = places[i + 1] - places[i];
  return moments[i] + (d ? (v - places[i]) / d : 0) * (moments[i + 1] - moments[i]);
}
const breaks = [];
for (let i = 1; i < moments.length; i++) if (moments[i] - moments[i - 1] > short * 2) breaks.push([moments[i - 1], moments[i]]);
function ticks(px) {
  const count = Math.max(2, Math.floor(px / 90)), out = [];
  let last = -1;
  for (let i = 0; i <= count; i++) {
    let t = timeAt(i / count);
    const step = t < 20 ? 1 : t < 120 ? 5 : t < 1200 ? 30 : t < 7200 ? 300 : 3600;
    t = i === count ? end : Math.round(t / step) * step;
    const x = at(t);
    if (t > end || (last >= 0 && (x - last) * px < 52)) continue;
    out.push([t, x]); last = x;
  }
  return out;
}
const label = (t) => t < 120 ? (Number.isInteger(t) ? t : t.toFixed(1)) + ' s' : span(t);

// ---- what the page shows
const state = {t: 0, playing: false, workload: 0, pod: null};
const draws = [];
const draw = (f) => { draws.push(f); return f; };
let queued = false;
function render() {
  if (queued) return;
  queued = true;
  requestAnimationFrame(() => { queued = false; for (const f of draws) f(); });
}
function seek(t) { state.t = Math.min(Math.max(t, 0), end); render(); }

const main = $('#main'), nav = $('#nav');
function section(id, title, ...content) {
  const s = el('section', {id, 'aria-labelledby': id + '-h'}, el('div.head', {}, el('h2', {id: id + '-h'}, title), content[0]?.aside), ...content.filter((c) => !c?.aside));
  main.append(s);
  nav.append(el('a', {href: '#' + id}, title));
  return s;
}
// shortened gives the rows of a list, of which the last ones are folded where there are many.
function shortened(rows, what) {
  const most = 10;
  if (rows.length <= most + 2) return rows;
  return [...rows.slice(0, most), el('li.more', {}, el('details', {}, el('summary', {}, 'and ' + plural(rows.length - most, what) + ' more'), el('ul', {}, rows.slice(most))))];
}
const aside = (...c) => ({aside: el('span.soft', {}, ...c)});

// ---- a list that makes only the rows in sight
function list(box, heightOf, count, make, extra) {
  const inner = el('div.fill', {});
  box.append(inner);
  const api = {top: [], total: 0};
  let shown = new Map();
  api.measure = () => {
    api.top = []; api.total = 0;
    for (let i = 0; i < count(); i++) { api.top.push(api.total); api.total += heightOf(i); }
    inner.style.height = api.total + (extra || 0) + 'px';
    for (const r of shown.values()) r.remove();
    shown = new Map();
    api.draw(true);
  };
  api.draw = (fresh) => {
    if (!count()) return;
    const from = before(api.top, Math.max(box.scrollTop - 200, 0)), to = before(api.top, box.scrollTop + box.clientHeight + 200);
    for (const [i, r] of shown) if (i < from || i > to) { r.remove(); shown.delete(i); }
    for (let i = from; i <= to; i++) {
      let r = shown.get(i);
      if (!r || fresh) {
        const next = make(i);
        next.style.top = api.top[i] + (extra || 0) + 'px';
        next.style.height = heightOf(i) + 'px';
        if (r) r.replaceWith(next); else inner.append(next);
        shown.set(i, next);
      }
    }
  };
  api.rows = () => shown;
  api.reveal = (i) => {
    if (i < 0 || i >= count()) return;
    const y = api.top[i];
    if (y < box.scrollTop || y + heightOf(i) > box.scrollTop + box.clientHeight) box.scrollTop = Math.max(0, y - box.clientHeight / 2);
  };
  box.addEventListener('scroll', () => api.draw());
  new ResizeObserver(() => api.draw()).observe(box);
  api.measure();
  return api;
}

// stalledBy says in a line what keeps the plan from its end: the workload, and the cause where it is known.
function stalledBy() {
  const text = blamed?.cause ? plan.reason.slice(0, plan.reason.indexOf(blamed.cause)) + blamed.cause : plan.reason.split('; ')[0];
  const who = blamed?.workload ?? {};
  return !who.kind || text.includes(who.name) ? text : nameOf(who) + ': ' + text;
}

// ---- verdict
const changed = plan.workloads.filter((w) => w.changed || w.curve.length > 1);
const failed = plan.expectations.filter((e) => !e.passed);
const good = plan.converged && !failed.length;
const worst = changed.filter((w) => w.curve.length).sort((a, b) => a.minAvailable / Math.max(a.desired, 1) - b.minAvailable / Math.max(b.desired, 1))[0];
const stuck = plan.unschedulable.filter((u) => u.until === undefined);
const open = plan.problems.filter((p) => p.open);
// blamed is the problem that the reason of the plan is about.
const blamed = plan.converged ? undefined : open.find((p) => [p.cause, p.message.replace(/\.$/, '')].some((m) => m && plan.reason.includes(m)));
{
  const state1 = plan.converged ? (failed.length ? 'An expectation fails' : 'Completes') : 'Does not complete';
  const headline = !plan.converged ? stalledBy() : failed.length ? failed[0].expect : 'Completes after ' + span(plan.virtualSeconds);
  const more = !plan.converged ? [plan.wayOut && 'Way out: ' + plan.wayOut, plan.reason.slice(plan.reason.indexOf(blamed?.cause || ';')).slice((blamed?.cause || ';').length).replace(/^[:;] |^ /, '')] : failed.map((f) => f.message);
  // The headline is one line; what does not fit into it follows in whole.
  const h1 = el('h1', {title: headline}, headline), whole = el('p', {'aria-hidden': true, hidden: true}, headline);
  new ResizeObserver(() => { whole.hidden = h1.scrollWidth <= h1.clientWidth; }).observe(h1);
  const box = el('div.verdict' + (good ? '' : '.stalls'), {}, el('span.state', {}, state1), h1, whole, more.filter(Boolean).map((m) => el('p', {}, m)),
    el('p.soft', {}, 'Kubernetes ' + plan.kubernetesVersion.replace(/^v/, '') + ', simulated · ' + plural(plan.nodes.length, 'node') + ' · seed ' + plan.seed + ' · virtual time'));
  if (plan.remedies?.length) box.append(el('div.remedy', {}, el('h2', {}, 'What would complete, as simulated'), el('ul', {}, plan.remedies.map((r) => el('li', {}, el('span', {}, el('b', {}, r.change), ': after ' + span(r.completesAt) + (r.desired ? ', at least ' + r.minAvailable + ' of ' + r.desired + ' available' : '')))))));
  main.append(box);
  const tile = (value, of, text, alarm) => el('div.tile' + (alarm ? '.alarm' : ''), {}, el('b', {}, value, of ? el('small.soft', {}, ' ' + of) : null), el('span', {}, text));
  const counts = {create: 0, update: 0, delete: 0};
  for (const c of plan.changes) if (!c.by && !c.denied && c.action in counts) counts[c.action]++;
  main.append(el('div.tiles', {},
    worst && tile(worst.minAvailable, 'of ' + worst.desired, 'least available, ' + nameOf(worst.object), worst.minAvailable === 0 && worst.desired > 0),
    worst && tile(Math.max(...changed.map((w) => w.maxPods)), '', 'most pods at a time' + (changed.length > 1 ? ', of one workload' : '')),
    tile(plan.placements.length, '', 'pods scheduled'),
    tile(stuck.length, '', 'pods without a node', stuck.length > 0),
    tile(open.length, plan.problems.length > open.length ? 'of ' + plan.problems.length : '', 'problems left open', open.length > 0),
    tile('+' + counts.create + ' ~' + counts.update + ' −' + counts.delete, '', 'objects created, changed, deleted')));
}

// ---- what a pod does, by its states
const bad = /Err|BackOff|Crash|OOM|Invalid|Fail|Evicted|Unknown|Error/;
function kindOf(pod, s) {
  if (s.status === 'Terminating') return 'stop';
  if (bad.test(s.status)) return 'fail';
  if (s.status === 'Completed' || s.status === 'Succeeded') return pod.gone != null ? 'stop' : 'done';
  if (s.status === 'Pending' || s.status === 'SchedulingGated') return 'wait';
  const [a, b] = s.ready.split('/');
  if (s.lapsed && a === b) return 'fail';
  return a === b && b !== '0' ? (pod.new && pod.created >= 0 ? 'new' : 'old') : 'start';
}
const words = {new: 'ready, new', old: 'ready, from before', start: 'starting', wait: 'waiting for a node', fail: 'failing', done: 'done', stop: 'stopping'};
const layers = Object.keys(words); // as they are stacked
const turns = {}; // of readiness, by pod
for (const s of plan.timeline) if (s.source === 'state' && s.object.kind === 'Pod' && (s.event === 'NotReady' || s.event === 'Ready')) (turns[nameOf(s.object)] ||= []).push(s);
// lives gives the states of a pod, and the moments at which others say that it is not ready although its containers are: its node is lost.
function lives(p) {
  const told = (turns[nameOf(p.object)] || []).filter((s) => s.at >= p.created && (p.gone == null || s.at <= p.gone));
  const out = [];
  let last = null, lapsed = false;
  for (const s of [...p.states, ...told].sort((a, b) => a.at - b.at)) {
    if (s.event) lapsed = s.event === 'NotReady'; else last = s;
    if (last) out.push({...last, at: s.at, lapsed});
  }
  return out;
}
for (const p of plan.pods) {
  const states = lives(p);
  p.parts = states.map((s, i) => ({from: Math.max(s.at, 0), to: i + 1 < states.length ? states[i + 1].at : p.gone ?? end, kind: kindOf(p, s), status: s.lapsed && s.status === 'Running' ? 'not ready' : s.status})).filter((s) => s.to > s.from || s.to >= end);
  p.cpuN = quantity(p.cpu); p.memN = quantity(p.memory);
}

// ---- availability
// The worst workload comes first: the one that is blamed, those that do not settle, those that had the fewest pods.
const badness = (w) => (same(w.object, blamed?.workload) ? 4 : 0) + (w.settledAt === null ? 2 : 0) + 1 - w.minAvailable / Math.max(w.desired, 1);
const curves = (changed.length ? changed : plan.workloads).filter((w) => w.curve.length).sort((a, b) => badness(b) - badness(a));
const point = (w, t) => w.curve[before(w.curve.map((p) => p.at), t)];
// worstMoment is when a workload first had the fewest pods available; if it then had all, when its first open problem began.
function worstMoment(w) {
  const least = w.curve.filter((p) => p.at >= 0).sort((a, b) => a.available / Math.max(a.desired, 1) - b.available / Math.max(b.desired, 1))[0];
  const problem = w.settledAt === null && (same(w.object, blamed?.workload) ? blamed : open.find((p) => same(p.workload, w.object)));
  return problem ? Math.max(problem.at, 0) : least && least.available < least.desired && !good ? least.at : 0;
}
if (curves.length) {
  const most = 8, many = curves.length > most; // workloads with a button of their own; a list has all
  const tabs = el('div.tabs' + (many ? '.many' : ''), {role: 'group', 'aria-label': 'Workload'});
  const choose = (i) => { state.workload = i; paint(); render(); };
  const all = el('select', {'aria-label': 'Any workload', onchange: () => choose(+all.value)}, curves.map((w, i) => el('option', {value: i}, (w.settledAt === null ? '✕ ' : '✓ ') + nameOf(w.object))));
  const legend = el('div.legend', {'aria-live': 'off'});
  const chart = el('div.chart.card', {});
  section('availability', 'Availability', aside(breaks.length ? 'Idle stretches are drawn shorter, marked //' : ''), curves.length > 1 ? tabs : null, chart, legend);
  const pic = svg('svg', {role: 'img', 'aria-label': ''});
  chart.append(pic);
  const buttons = curves.slice(0, many ? most - 2 : most).map((w, i) => el('button', {type: 'button', class: w.settledAt === null ? 'fails' : 'works', title: nameOf(w.object), onclick: () => choose(i)}, el('span', {}, nameOf(w.object))));
  tabs.append(...buttons, ...(many ? [all] : []));
  let line, dot, geo;
  // stackOf counts the pods of a workload by what they do, as the rows below show it.
  function stackOf(w) {
    if (w.stack) return w.stack;
    const pods = plan.pods.filter((p) => same(p.workload, w.object));
    if (!pods.length) return w.stack = w.curve.map((p) => ({at: Math.max(p.at, 0), new: p.new, old: p.old, start: 0, wait: 0, fail: 0, done: 0, stop: p.stopping}));
    const steps = new Map([[0, {}]]);
    const add = (t, k, n) => { if (!steps.has(t)) steps.set(t, {}); const s = steps.get(t); s[k] = (s[k] || 0) + n; };
    for (const p of pods) p.parts.forEach((s, i) => { add(s.from, s.kind, 1); if (i + 1 < p.parts.length || s.to === p.gone) add(s.to, s.kind, -1); });
    const now = Object.fromEntries(layers.map((k) => [k, 0]));
    return w.stack = [...steps.keys()].sort((a, b) => a - b).map((t) => { for (const [k, n] of Object.entries(steps.get(t))) now[k] += n; return {at: t, ...now}; });
  }
  function paint() {
    const w = curves[state.workload];
    buttons.forEach((b, i) => b.setAttribute('aria-pressed', i === state.workload));
    all.value = state.workload;
    const W = Math.max(pic.clientWidth, 280), H = pic.clientHeight || 272, L = 30, R = 8, T = 14, B = 24;
    const stack = stackOf(w);
    const top = Math.max(1, ...stack.map((p) => layers.reduce((n, k) => n + p[k], 0)), ...w.curve.map((p) => Math.max(p.desired, p.available)));
    const x = (t) => L + at(t) * (W - L - R), y = (n) => T + (1 - n / top) * (H - T - B);
    geo = {x, y, L, R, W};
    pic.setAttribute('viewBox', `0 0 ${W} ${H}`);
    pic.replaceChildren();
    pic.setAttribute('aria-label', `${nameOf(w.object)} over ${span(end)}: ${w.desired} wanted, at least ${w.minAvailable} available, at most ${w.maxPods} pods`);
    const step = Math.max(1, Math.ceil(top / 6));
    for (let n = 0; n <= top; n += step) pic.append(svg('line', {class: 'grid', x1: L, x2: W - R, y1: y(n), y2: y(n)}), svg('text', {x: L - 7, y: y(n) + 4, 'text-anchor': 'end'}, n));
    for (const [t, fx] of ticks(W - L - R)) pic.append(svg('text', {x: L + fx * (W - L - R), y: H - 6, 'text-anchor': fx < 0.02 ? 'start' : fx > 0.98 ? 'end' : 'middle'}, label(t)));
    for (const [a, b] of breaks) { const m = x((a + b) / 2); pic.append(svg('path', {class: 'gapmark', d: `M${m - 5} ${H - B + 5}l4 -10M${m + 1} ${H - B + 5}l4 -10`})); }
    pic.append(svg('defs', {}, ['start', 'wait', 'stop'].map((k) => svg('pattern', {id: 'p-' + k, width: 6, height: 6, patternUnits: 'userSpaceOnUse', patternTransform: `rotate(${k === 'stop' ? -45 : 45})`},
      svg('rect', {class: 'a-' + k, width: 6, height: 6}), svg('rect', {class: 'veil', width: 3, height: 6})))));
    const sums = stack.map(() => 0);
    for (const k of layers) {
      let up = '', down = '', any = false;
      stack.forEach((p, i) => {
        const a = x(p.at), b = i + 1 < stack.length ? x(stack[i + 1].at) : W - R, low = sums[i], high = low + p[k];
        any ||= p[k] > 0;
        up += `${up ? 'L' : 'M'}${a} ${y(high)}L${b} ${y(high)}`;
        down = `L${b} ${y(low)}L${a} ${y(low)}` + down;
        sums[i] = high;
      });
      if (any) pic.append(svg('path', {class: 'a-' + k, d: up + down + 'Z', fill: ['start', 'wait', 'stop'].includes(k) ? `url(#p-${k})` : undefined}));
    }
    const steps = (v, cls) => {
      let d = '';
      w.curve.forEach((p, i) => {
        const a = x(Math.max(p.at, 0)), b = i + 1 < w.curve.length ? x(Math.max(w.curve[i + 1].at, 0)) : W - R;
        d += `${d ? 'L' : 'M'}${a} ${y(v(p))}L${b} ${y(v(p))}`;
      });
      pic.append(svg('path', {class: cls, d}));
    };
    steps((p) => p.desired, 'l-want');
    steps((p) => p.available, 'l-avail');
    const least = Math.min(...w.curve.map((p) => p.available)), when = w.curve.find((p) => p.available === least);
    pic.append(svg('line', {class: 'l-min', x1: L, x2: W - R, y1: y(least), y2: y(least)}));
    const fx = x(Math.max(when.at, 0));
    pic.append(svg('circle', {cx: fx, cy: y(least), r: 3.5, fill: 'var(--fail)'}),
      svg('text', {class: 'minlabel', x: Math.min(Math.max(fx, L + 4), W - R - 150) + 7, y: least / top > 0.15 ? y(least) + 15 : y(least) - 7}, `at least ${least} available, at ${label(when.at)}`));
    line = svg('line', {class: 'l-now', y1: T - 6, y2: H - B});
    dot = svg('circle', {r: 4.5, fill: 'var(--accent)', stroke: 'var(--bg)', 'stroke-width': 2});
    pic.append(line, dot);
  }
  const where = (e) => { const r = pic.getBoundingClientRect(); return timeAt(((e.clientX - r.left) * geo.W / r.width - geo.L) / (geo.W - geo.L - geo.R)); };
  pic.addEventListener('pointerdown', (e) => { stop(); seek(where(e)); pic.setPointerCapture(e.pointerId); });
  pic.addEventListener('pointermove', (e) => {
    if (e.buttons) seek(where(e));
    const t = where(e), p = point(curves[state.workload], t);
    tip(e, `${span(t)}\n${p.available} available of ${p.desired}\n${p.old} old · ${p.new} new · ${p.stopping} stopping`);
  });
  pic.addEventListener('pointerleave', () => tip());
  const mark = draw(() => {
    const p = point(curves[state.workload], state.t), gx = geo.x(state.t);
    line.setAttribute('x1', gx); line.setAttribute('x2', gx);
    dot.setAttribute('cx', gx); dot.setAttribute('cy', geo.y(p.available));
    const key = (k, n, text) => el('span', {}, el('span.key' + k, {}), el('b', {}, n), ' ' + text);
    const stack = stackOf(curves[state.workload]), s = stack[before(stack.map((q) => q.at), state.t)] || {};
    legend.replaceChildren(key('.line', p.available, 'available'), key('.dash', p.desired, 'wanted'), key('.min', curves[state.workload].minAvailable, 'least available'),
      ...layers.filter((k) => stack.some((q) => q[k] > 0)).map((k) => key('.k-' + k, s[k] || 0, words[k])));
  });
  new ResizeObserver(() => { paint(); mark(); }).observe(pic);
  paint();
}

// ---- expectations, problems
if (plan.expectations.length) section('expectations', 'Expectations', el('ul.items.card', {}, plan.expectations.map((e) => el('li', {}, el('span.chip.' + (e.passed ? 'yes' : 'no'), {}, e.passed ? 'holds' : 'fails'), el('b', {}, e.expect), el('span.soft', {}, e.passed ? '' : 'at ' + label(e.at)), e.message ? el('p.soft', {}, e.message) : null))));
if (plan.problems.length) section('problems', 'Problems', el('ul.items.card', {}, shortened([...plan.problems].sort((a, b) => (b === blamed) - (a === blamed) || b.open - a.open).map((p) => el('li', {}, el('span.chip.' + (p.open ? 'open' : 'past'), {}, p.open ? 'open' : 'passed'),
  el('span', {}, el('b', {}, p.kind), ' ', nameOf(p.workload) || nameOf(p.object)), el('button.button', {type: 'button', onclick: () => { stop(); seek(p.at); }}, label(Math.round(p.at * 10) / 10) + (p.count > 1 ? ' ×' + p.count : '')),
  p.cause ? el('p', {}, p.cause) : null, p.cause !== p.message ? el('p.soft', {}, p.message) : null, p.evidence ? el('ul.evidence', {}, p.evidence.map((e) => el('li.soft', {}, e))) : null,
  p.help ? el('p', {}, el('b', {}, 'Way out: '), p.help) : null, p.report ? el('p.soft', {}, el('a', {href: p.report, rel: 'noreferrer'}, p.trap)) : null)), 'problem')));

// ---- pods by node
const byNode = new Map(plan.nodes.map((n) => [n.name, []]));
for (const p of plan.pods) { if (!byNode.has(p.node)) byNode.set(p.node, []); byNode.get(p.node).push(p); }
const numbered = new Intl.Collator('en', {numeric: true}).compare;
const order = [...byNode.keys()].sort(numbered); // no node comes first
plan.nodes.sort((a, b) => numbered(a.name, b.name));
{
  const rows = [];
  const build = (only) => {
    rows.length = 0;
    for (const n of order) {
      const pods = byNode.get(n).filter((p) => !only || same(p.workload, only));
      if (!pods.length) continue;
      rows.push({node: n, pods});
      for (const p of pods) rows.push({pod: p});
    }
  };
  const pick = el('select', {'aria-label': 'Pods of', onchange: () => { build(pick.value === '' ? null : plan.workloads[pick.value].object); gantt.measure(); render(); }}, el('option', {value: ''}, 'all workloads'),
    plan.workloads.map((w, i) => el('option', {value: i}, nameOf(w.object))));
  build(null);
  const box = el('div.list.gantt.card', {tabindex: 0, role: 'group', 'aria-label': 'Pods by node over time'});
  const axis = el('div.axis', {'aria-hidden': true}), now = el('div.now', {'aria-hidden': true});
  section('pods', 'Pods by node', aside(pick), box, el('div.legend', {}, layers.filter((k) => plan.pods.some((p) => p.parts.some((s) => s.kind === k))).map((k) => el('span', {}, el('span.key.k-' + k, {}), words[k]))));
  box.append(axis, now);
  const make = (i) => {
    const r = rows[i];
    if (r.pods) {
      const n = plan.nodes.find((n) => n.name === r.node);
      return el('div.row.node', {}, el('span.name', {title: r.node}, middle(r.node || 'no node')), el('span.lane', {}, n ? [n.zone && 'zone ' + n.zone, plural(n.pods, 'pod') + ' at the end', !n.ready && 'not ready', n.taints].filter(Boolean).join(' · ') : plural(r.pods.length, 'pod') + ' that found no node'));
    }
    const p = r.pod, lane = el('span.lane', {'aria-hidden': true});
    for (const s of p.parts) {
      const bar = el('i.k-' + s.kind, {});
      bar.style.left = at(s.from) * 100 + '%';
      bar.style.width = Math.max((at(s.to) - at(s.from)) * 100, 0.15) + '%';
      lane.append(bar);
    }
    const story = p.parts.map((s) => `${label(s.from)}: ${s.status}`).join('\n');
    return el('button.row.pod', {type: 'button', 'aria-current': state.pod === p || undefined, 'aria-label': `${p.object.name}: ${p.parts.map((s) => s.status + ' from ' + label(s.from)).join(', ')}`,
      onclick: () => { choose(p); }, onpointermove: (e) => tip(e, `${p.object.name}\n${p.node || 'no node'} · cpu ${p.cpu || 0}, memory ${p.memory || 0}\n${story}`), onpointerleave: () => tip()}, el('span.name', {title: p.object.name}, middle(p.object.name)), lane);
  };
  const gantt = list(box, (i) => rows[i].pods ? 28 : 20, () => rows.length, make, 0);
  box.querySelector('.fill').append(now);
  const lay = () => {
    const lane = box.querySelector('.row.pod .lane');
    if (!lane) return null;
    const outer = box.querySelector('.fill').getBoundingClientRect(), r = lane.getBoundingClientRect();
    return [r.left - outer.left, r.width];
  };
  const ruler = () => {
    const l = lay();
    if (!l) return;
    axis.replaceChildren(...ticks(l[1]).map(([t, x]) => { const s = el('span', {}, label(t)); s.style.left = x * l[1] + 'px'; if (x > 0.97) s.style.transform = 'translateX(-100%)'; return s; }));
  };
  new ResizeObserver(() => { ruler(); render(); }).observe(box);
  ruler();
  draw(() => { const l = lay(); if (l) now.style.left = l[0] + at(state.t) * l[1] + 'px'; });
  state.onchoose = (p) => { gantt.draw(true); const i = rows.findIndex((r) => r.pod === p); if (i >= 0) gantt.reveal(i); };
}

// ---- nodes
const hues = [];
plan.workloads.forEach((w, i) => { hues.push([nameOf(w.object), i]); });
const shades = ['#2f6fe4', '#0f9d8a', '#b4631d', '#8a4fd0', '#c23a76', '#5c8a1e', '#3f7fa6', '#a2871b'];
const shadeOf = (p) => shades[(hues.find((h) => h[0] === nameOf(p.workload)) || ['', hues.length])[1] % shades.length];
{
  const box = el('div.list.nodes.card', {tabindex: 0, role: 'group', 'aria-label': 'Nodes and their pods'});
  const clock = el('span', {});
  section('nodes', 'Nodes', aside(clock), box, el('div.legend', {}, plan.workloads.slice(0, 8).map((w, i) => { const k = el('span.key', {}); k.style.background = shades[i % shades.length]; return el('span', {}, k, nameOf(w.object)); }), el('span', {}, 'pods from before are pale')));
  const narrow = () => matchMedia('(max-width: 760px)').matches;
  const bar = (title, pods, get, total, show) => {
    const sum = pods.reduce((n, p) => n + p[get], 0), inner = el('div', {});
    for (const p of pods) {
      if (!p[get]) continue;
      const i = el('i' + (state.pod === p ? '.sel' : p[get] / total < 0.01 ? '.thin' : ''), {});
      i.style.width = p[get] / total * 100 + '%'; i.style.background = shadeOf(p); i.style.opacity = p.new && p.created >= 0 ? 1 : 0.45;
      inner.append(i);
    }
    return el('div.bar', {}, el('span', {}, title), inner, el('span', {}, show(sum) + ' of ' + show(total)));
  };
  const make = (i) => {
    const n = plan.nodes[i];
    const pods = (byNode.get(n.name) || []).filter((p) => (p.scheduled ?? p.created) <= state.t && (p.gone ?? Infinity) > state.t).sort((a, b) => nameOf(a.workload) < nameOf(b.workload) ? -1 : 1);
    return el('div.row', {onpointermove: (e) => tip(e, n.name + '\n' + (pods.slice(0, 14).map((p) => p.object.name).join('\n') || 'no pods') + (pods.length > 14 ? '\nand ' + (pods.length - 14) + ' more' : '')), onpointerleave: () => tip()},
      el('div.who', {}, el('b', {}, n.name), el('small.soft', {}, [n.zone && 'zone ' + n.zone, `${pods.length} of ${n.podsMax} pods`].filter(Boolean).join(' · '), n.ready ? '' : el('span.down', {}, ' not ready'))),
      el('div.bars', {}, bar('cpu', pods, 'cpuN', quantity(n.cpu.allocatable), cores), bar('mem', pods, 'memN', quantity(n.memory.allocatable), bytes)));
  };
  const nodes = list(box, () => narrow() ? 76 : 56, () => plan.nodes.length, make);
  let last = -1;
  draw(() => {
    clock.textContent = 'requests at ' + span(state.t);
    const i = before(moments, state.t);
    if (i !== last || state.pod !== draws.pod) { last = i; draws.pod = state.pod; nodes.draw(true); }
  });
  new ResizeObserver(() => nodes.measure()).observe(box);
}

// ---- events
const unique = plan.timeline;
{
  let shown = unique;
  const search = el('input', {type: 'search', placeholder: 'Filter events', 'aria-label': 'Filter events', oninput: () => refresh()});
  const only = el('button', {type: 'button', 'aria-pressed': false, onclick: () => { only.setAttribute('aria-pressed', only.getAttribute('aria-pressed') !== 'true'); refresh(); }}, 'warnings');
  const box = el('div.list.events.card', {tabindex: 0, role: 'group', 'aria-label': 'Events'});
  const count = el('span', {});
  section('events', 'Events', aside(count), el('div.controls', {}, search, el('span.tabs', {}, only)), box);
  let last = -1; // event that has happened
  const make = (i) => {
    const s = shown[i];
    return el('button.row' + (s.warning ? '.warn' : '') + (s.at > state.t ? '.later' : '') + (i === last ? '.here' : ''), {type: 'button', title: s.message, onclick: () => { stop(); seek(s.at); const p = plan.pods.find((p) => same(p.object, s.object)); if (p) choose(p, true); }},
      el('time', {}, label(Math.round(s.at * 10) / 10)), el('span.what', {}, s.event + (s.count > 1 ? ' ×' + s.count : '')), el('span.on', {}, s.object.kind === 'Pod' ? s.object.name : nameOf(s.object)), el('span.msg', {}, s.message + (s.node && !s.message.includes(s.node) ? (s.message ? ' · ' : '') + s.node : '')));
  };
  const narrow = () => matchMedia('(max-width: 760px)').matches;
  const events = list(box, () => narrow() ? 58 : 32, () => shown.length, make);
  let times = shown.map((s) => s.at);
  function refresh() {
    const q = search.value.toLowerCase(), warn = only.getAttribute('aria-pressed') === 'true';
    shown = unique.filter((s) => (!warn || s.warning) && (!q || (s.event + ' ' + s.object.name + ' ' + s.object.kind + ' ' + s.message + ' ' + (s.node || '')).toLowerCase().includes(q)));
    times = shown.map((s) => s.at); last = -1;
    count.textContent = plural(shown.length, 'event');
    events.measure(); render();
  }
  refresh();
  new ResizeObserver(() => events.measure()).observe(box);
  draw(() => {
    const i = shown.length && times[0] <= state.t ? before(times, state.t) : -1;
    if (i !== last) {
      last = i;
      for (const [j, r] of events.rows()) { r.classList.toggle('later', j > i); r.classList.toggle('here', j === i); }
      if (!box.matches(':hover, :focus-within')) events.reveal(Math.max(i, 0));
    }
  });
}

// ---- scheduling
const decisions = [...plan.placements.map((p) => ({...p, ok: true})), ...plan.unschedulable.filter((u) => u.until === undefined).map((u) => ({at: u.at, object: u.object, workload: u.workload, node: '', message: u.message, rejected: u.nodes, feasible: 0}))];
let showDecision = () => {};
if (decisions.length) {
  const pick = el('select', {'aria-label': 'Pod', onchange: () => showDecision(decisions[pick.value])}, decisions.map((d, i) => el('option', {value: i}, `${d.object.name} → ${d.node || 'no node'}`)));
  const said = el('p.note', {}), table = el('table.matrix', {});
  section('scheduling', 'Scheduling', aside(pick), said, el('div.scroll.card', {tabindex: 0, role: 'group', 'aria-label': 'Decision by node and plugin'}, table));
  const most = 60;
  showDecision = (d) => {
    pick.value = decisions.indexOf(d);
    const rejected = d.rejected || [], scores = d.scores || [];
    said.textContent = d.node ? `${d.object.name} went to ${d.node} at ${label(d.at)}: ${plural(d.feasible, 'node')} of ${plan.nodes.length} could take it${d.feasible === 1 ? ', so none was scored' : ''}.` : d.message;
    const scorers = [...new Set(scores.flatMap((s) => (s.plugins || []).map((p) => p.name)))].sort();
    const filters = [...plan.filters, ...new Set(rejected.map((r) => r.plugin).filter((p) => p && !plan.filters.includes(p)))];
    const known = new Map(scores.map((s) => [s.name, s])), refused = new Map(rejected.map((r) => [r.name, r]));
    const names = [...new Set([d.node, ...scores.map((s) => s.name), ...rejected.map((r) => r.name), ...(plan.nodes.length <= most ? plan.nodes.map((n) => n.name) : [])])].filter(Boolean);
    const body = names.slice(0, most).map((n) => {
      const r = refused.get(n), s = known.get(n), cells = [];
      let stopped = false;
      const stop = r ? filters.indexOf(r.plugin) : -1;
      filters.forEach((f, i) => {
        if (stopped) cells.push(el('td.unreached', {}, 'not reached'));
        else if (r && (i === stop || (stop < 0 && i === 0))) { stopped = true; cells.push(el('td.reject', {}, '✕ ' + r.reason)); }
        else if (r || s || n === d.node) cells.push(el('td.pass', {}, '✓'));
        else cells.push(el('td.unreached', {}, 'not looked at'));
      });
      for (const p of scorers) cells.push(el('td', {}, s ? String(s.plugins?.find((x) => x.name === p)?.score ?? 0) : el('span.soft', {}, '–')));
      if (scorers.length) cells.push(el('td.total', {}, s ? String(s.total) : el('span.soft', {}, '–')));
      return el('tr' + (n === d.node ? '.chosen' : ''), {}, el('th', {scope: 'row'}, n + (n === d.node ? ' ←' : '')), cells);
    });
    const col = (t) => el('th', {scope: 'col'}, el('span', {}, t));
    table.replaceChildren(el('thead', {}, el('tr.groups', {}, el('td', {}), el('th', {colspan: filters.length, scope: 'colgroup'}, 'filters, in order'), scorers.length ? el('th', {colspan: scorers.length + 1, scope: 'colgroup'}, 'scores, with weights') : null),
      el('tr', {}, el('th', {scope: 'col'}, 'node'), filters.map(col), scorers.map(col), scorers.length ? col('total') : null)), el('tbody', {}, body));
    if (names.length > most) said.textContent += ` The first ${most} of ${names.length} nodes are shown.`;
  };
  showDecision(decisions.find((d) => !d.node) || decisions[0]);
}
function choose(p, quietly) {
  state.pod = p;
  const d = decisions.find((d) => same(d.object, p.object));
  if (d) showDecision(d);
  if (state.onchoose) state.onchoose(p);
  if (!quietly && d) { said = `${p.object.name} is chosen: its decision is under Scheduling`; }
  render();
}

// ---- what changes
const place = (file, lineNo) => {
  const i = data.files.findIndex((f) => f.name === file);
  if (!file) return null;
  const text = file + (lineNo ? ':' + lineNo : '');
  return i < 0 || !lineNo ? el('span.where.soft', {}, text) : el('a.where', {href: `#f${i}-${lineNo}`, onclick: () => { const d = $('#file' + i); if (d) d.open = true; }}, text);
};
{
  const glyph = {create: '+', update: '~', delete: '−'};
  const list = plan.changes.filter((c) => c.action !== 'none' || c.denied), kept = plan.changes.length - list.length;
  if (list.length) section('changes', 'What changes', aside(kept ? plural(kept, 'object') + ' as they are' : ''), el('ul.diff.card', {}, shortened(list.map((c) => el('li.' + c.action, {},
    el('div', {}, place(c.file, c.line), el('span.glyph', {}, glyph[c.action] || '='), el('b', {}, nameOf(c.object)), c.by ? el('span.soft', {}, ' by ' + c.by) : null),
    c.denied ? el('p.down', {}, c.denied) : null,
    c.fields.length ? el('dl.fields', {}, c.fields.flatMap((f) => [el('dt', {}, el('code', {}, f.path)), el('dd', {}, f.before ? el('del', {class: 'mono'}, f.before) : el('span.soft', {}, 'not set'), ' → ', f.after ? el('ins', {class: 'mono'}, f.after) : el('span.soft', {}, 'not set'), f.defaulted ? el('small.soft', {}, ' defaulted') : null)])) : null)), 'object')));
}

// ---- gates, risks
if (plan.gates.length) section('gates', 'Gates', el('ul.items.card', {}, plan.gates.map((g) => el('li', {}, el('span.chip.' + (g.hit ? 'open' : 'past'), {}, g.hit ? 'stopped' : 'open'), el('b', {}, nameOf(g.object)), el('span.soft', {}, g.summary)))));
if (plan.findings.length) section('risks', 'Risks', aside(plural(plan.findings.length, 'finding')), el('ul.items.card', {}, shortened([...plan.findings].sort((a, b) => ['error', 'warning', 'info'].indexOf(a.severity) - ['error', 'warning', 'info'].indexOf(b.severity)).map((f) => el('li', {}, el('span.chip.' + f.severity, {}, f.severity),
  el('span', {}, f.message, ' ', f.url ? el('a', {href: f.url, rel: 'noreferrer'}, el('code', {}, f.rule)) : el('code', {}, f.rule)), place(f.file, f.line), f.detail ? el('p.soft', {}, f.detail) : null)), 'finding')));

// ---- room
if (plan.fit || plan.pack || plan.nodeGroups) {
  const items = [];
  for (const g of plan.nodeGroups ?? []) items.push(el('li', {}, el('b', {}, 'Node group ' + g.name), ' of ' + g.size + ': ' + g.before + ' before, ' + g.peak + ' at the peak, ' + g.after + ' after',
    el('p.soft', {}, 'CPU ' + g.cpuPercent + '%, memory ' + g.memoryPercent + '% requested at the end' + (g.price ? ', ' + g.price + ' a node and hour' : ''))));
  if (plan.cost) items.push(el('li', {}, el('b', {}, 'Cost per hour'), ': ' + plan.cost.before.toFixed(2) + ' before, ' + plan.cost.peak.toFixed(2) + ' at the peak, ' + plan.cost.after.toFixed(2) + ' after'));
  if (plan.fit) {
    const f = plan.fit;
    items.push(el('li', {}, el('b', {}, (f.atLeast ? 'at least ' : '') + f.more + ' more replicas'), ' of ' + nameOf(f.object) + ' fit besides ' + f.replicas + (f.by ? ', by ' + f.by.join(' and ') + ' alone' : ''),
      el('p.soft', {}, f.nodes.map((n) => n.name + ' ' + n.more).join(', ')), f.limits.map((l) => el('p.soft', {}, 'the next one: ' + l.reason + ' (' + l.plugin + ') on ' + l.nodes.join(', '))),
      f.spareNode ? el('p', {}, f.spareNode.more + ' more if any one node may be lost' + (f.spareNode.node ? ': ' + f.spareNode.node + ' decides' : '')) : null));
  }
  if (plan.pack) {
    const p = plan.pack, worse = [...p.tried].reverse().find((t) => !t.completes);
    items.push(el('li', {}, el('b', {}, p.nodes ? plural(p.nodes, 'node') + ' of ' + p.size : 'no number of nodes of ' + p.size), p.nodes ? ' are the fewest: ' + p.shares.map((s) => s.resource + ' ' + s.percent + '%').join(', ') + ' requested' : ' is enough',
      worse ? el('p.soft', {}, 'with ' + worse.nodes + ': ' + worse.reason) : null));
  }
  section('room', 'Room', el('ul.items.plain.card', {}, items));
}

// ---- other seeds
if (plan.seeds) {
  const s = plan.seeds;
  section('seeds', 'Other seeds', aside(s.passed + ' of ' + s.runs + ' complete and meet all expectations'), el('ul.items.card', {}, s.results.map((r) => el('li', {},
    el('span.chip.' + (r.kind === 'stall' || r.kind === 'expectation' ? 'no' : 'past'), {}, r.runs + ' of ' + s.runs), el('span', {}, el('b', {}, r.kind), ' ', r.what, ' ', el('code', {}, '--seed ' + r.seed)), el('p.soft', {}, r.message)))));
}

// ---- what if
if (plan.sweeps?.length) {
  const words = {'drain-node': 'node is drained', 'fail-node': 'node fails', 'fail-zone': 'zone fails', 'drain-in-turn': 'nodes are drained in turn'};
  const passed = (a) => a.converged && !a.failed?.length;
  const rows = plan.sweeps.map((a) => el('tr', {}, el('th', {scope: 'row'}, a.target), el('td', {}, words[a.kind]), el('td', {}, el('span.chip.' + (passed(a) ? 'yes' : 'no'), {}, passed(a) ? 'completes' : a.converged ? 'fails' : 'stalls')),
    el('td', {}, span(a.virtualSeconds)), el('td', {}, a.workloads.length ? a.workloads.map((w) => el('div', {}, nameOf(w.object) + ' ', el('b' + (w.minAvailable ? '' : '.down'), {}, w.minAvailable + ' of ' + w.desired))) : 'all'),
    el('td', {}, a.blocked), el('td', {}, a.unschedulable), el('td.soft', {}, a.reason, (a.turns ?? []).filter((t) => t.at !== null).map((t) => el('div', {}, t.node + ': ' + (t.drained === null ? 'not drained' : 'drained in ' + span(t.drained - t.at)) + (t.waited ? ', budgets forbade evictions for ' + span(t.waited) : '') + (t.replacedBy ? ', replaced by ' + t.replacedBy : ''))))));
  section('whatif', 'What if', aside(plural(plan.sweeps.filter((a) => !passed(a)).length, 'case') + ' of ' + plan.sweeps.length + ' without a good end'), el('div.scroll.card', {tabindex: 0, role: 'group', 'aria-label': 'What if'},
    el('table', {}, el('thead', {}, el('tr', {}, ['node or zone', 'what happens', 'outcome', 'after', 'least available', 'evictions blocked', 'without a node', 'reason'].map((h) => el('th', {scope: 'col'}, h)))), el('tbody', {}, rows))));
}

// ---- manifests
if (data.files.length) section('manifests', 'Manifests', el('div.card', {}, data.files.map((f, i) => {
  const found = new Map();
  for (const d of plan.findings) if (d.file === f.name && (!found.has(d.line) || d.severity === 'error')) found.set(d.line, d);
  return el('details', {id: 'file' + i, open: data.files.length === 1 && f.lines.length < 80}, el('summary', {}, f.name, el('small.soft', {}, '  ' + plural(f.lines.length, 'line'))), el('ol.source', {tabindex: 0, 'aria-label': 'Lines of ' + f.name}, f.lines.map((t, n) => {
    const d = found.get(n + 1);
    return el('li' + (d ? '.found.' + d.severity : ''), {id: `f${i}-${n + 1}`}, el('span', {'aria-hidden': true}, n + 1), t || ' ', d ? el('em', {}, '← ' + d.message) : null);
  })));
})));
if (plan.assumptions.length) section('assumptions', 'Assumed', el('ul', {}, plan.assumptions.map((a) => el('li.soft', {}, '· ' + a))));

// ---- tooltip
function tip(e, text) {
  const t = $('#tip');
  if (!text || e.pointerType === 'touch') { t.hidden = true; return; }
  t.textContent = text; t.hidden = false;
  t.style.left = Math.min(e.clientX + 14, innerWidth - t.offsetWidth - 8) + 'px';
  t.style.top = Math.max(8, Math.min(e.clientY + 16, innerHeight - t.offsetHeight - 8)) + 'px';
}

// ---- scrubber
let said = '';
const icons = {play: 'M5 3l13 8-13 8z', pause: 'M4 3h5v16H4zM13 3h5v16h-5z'};
const shape = svg('path', {d: icons.play});
const play = el('button.play', {type: 'button', 'aria-label': 'Play', onclick: () => state.playing ? stop() : go()}, svg('svg', {viewBox: '0 0 22 22', 'aria-hidden': true}, shape));
const clock = el('output', {'aria-live': 'off'});
const range = el('input', {type: 'range', min: 0, max: 10000, value: 0, 'aria-label': 'Virtual time', oninput: () => { stop(); seek(timeAt(range.value / 10000)); }, onkeydown: (e) => { if (arrow(e)) e.preventDefault(); }});
const marks = el('div.marks', {'aria-hidden': true});
const speed = el('select', {'aria-label': 'Speed'}, [['0.25', '¼×'], ['0.5', '½×'], ['1', '1×'], ['2', '2×'], ['4', '4×']].map(([v, t]) => el('option', {value: v, selected: v === '1'}, t)));
const line = el('p', {id: 'said'});
$('#scrub').append(el('div', {}, play, clock, el('div.track', {}, range, marks), speed, line));
{
  const seen = new Set();
  for (const s of plan.timeline) {
    const x = Math.round(at(s.at) * 300), k = x + (s.warning ? 'w' : '');
    if (seen.has(k) || s.at < 0) continue;
    seen.add(k);
    const m = el('i' + (s.warning ? '.warn' : ''), {});
    m.style.left = x / 3 + '%';
    marks.append(m);
  }
}
const long = Math.min(30, Math.max(8, width / 3)); // seconds that a whole play takes
let lastFrame = 0;
function go() {
  if (state.t >= end) seek(0);
  state.playing = true; lastFrame = 0;
  shape.setAttribute('d', icons.pause); play.setAttribute('aria-label', 'Pause');
  requestAnimationFrame(frame);
}
function stop() {
  state.playing = false;
  shape.setAttribute('d', icons.play); play.setAttribute('aria-label', 'Play');
}
function frame(ms) {
  if (!state.playing) return;
  if (lastFrame) {
    const x = at(state.t) + (ms - lastFrame) / 1000 / long * speed.value;
    if (x >= 1) { seek(end); stop(); return; }
    seek(timeAt(x));
  }
  lastFrame = ms;
  requestAnimationFrame(frame);
}
function arrow(e) {
  const i = before(moments, state.t);
  if (e.key === 'ArrowRight' || e.key === 'ArrowUp') { stop(); seek(moments[Math.min(i + 1, moments.length - 1)]); return true; }
  if (e.key === 'ArrowLeft' || e.key === 'ArrowDown') { stop(); seek(state.t > moments[i] ? moments[i] : moments[Math.max(i - 1, 0)]); return true; }
  if (e.key === 'Home') { stop(); seek(0); return true; }
  if (e.key === 'End') { stop(); seek(end); return true; }
  return false;
}
document.addEventListener('keydown', (e) => {
  if (e.ctrlKey || e.metaKey || e.altKey || e.target.closest('input, select, textarea, .list, .scroll')) return;
  if (e.key === ' ' && !e.target.closest('button, a, summary, [tabindex="0"]')) { e.preventDefault(); state.playing ? stop() : go(); }
  if (e.key.startsWith('Arrow') && e.key.length > 9 && !e.key.endsWith('Up') && !e.key.endsWith('Down') && arrow(e)) e.preventDefault();
});
const all = plan.timeline, allAt = all.map((s) => s.at);
draw(() => {
  clock.textContent = span(state.t);
  range.value = at(state.t) * 10000;
  const i = all.length && allAt[0] <= state.t ? before(allAt, state.t) : -1;
  const s = all[i], w = worst && point(worst, state.t);
  line.textContent = said || (s ? `${s.object.kind === 'Pod' ? s.object.name : nameOf(s.object)}: ${s.event}${s.message ? ' · ' + s.message : ''}` : 'Before the change');
  said = '';
  range.setAttribute('aria-valuetext', span(state.t) + (w ? `, ${w.available} of ${w.desired} available` : ''));
});

// ---- the rest
$('#download').addEventListener('click', () => {
  const url = URL.createObjectURL(new Blob([original], {type: 'application/json'}));
  el('a', {href: url, download: 'plan.json'}).click();
  setTimeout(() => URL.revokeObjectURL(url), 1000);
});
const dark = matchMedia('(prefers-color-scheme: dark)');
const paintTheme = (t) => { document.documentElement.dataset.theme = t; };
paintTheme(start.get('theme') || (dark.matches ? 'dark' : 'light'));
dark.addEventListener('change', () => paintTheme(dark.matches ? 'dark' : 'light'));
$('#theme').addEventListener('click', () => paintTheme(document.documentElement.dataset.theme === 'dark' ? 'light' : 'dark'));
if (start.has('t')) seek(parseFloat(start.get('t'))); else if (curves.length) opening(curves[0]); else render();
// opening shows the worst moment of a workload, and the pod of it that is worst off then.
function opening(w) {
  const t = worstMoment(w);
  const rank = ['fail', 'wait', 'start', 'stop'], kind = (p) => p.parts.find((s) => s.from <= t && s.to > t)?.kind;
  const pods = plan.pods.filter((p) => same(p.workload, w.object) && rank.includes(kind(p))).sort((a, b) => rank.indexOf(kind(a)) - rank.indexOf(kind(b)));
  if (pods.length && !good) choose(pods[0], true);
  seek(t);
}
window.addEventListener('hashchange', () => { const t = new URLSearchParams(location.hash.slice(1)).get('t'); if (t) seek(parseFloat(t)); });
document.documentElement.dataset.ready = 'yes';
})();

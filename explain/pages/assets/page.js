// The pages work without this script: it adds the fields that several pages share, the search, the version switch, the keys,
// and the colours.
"use strict";
(() => {
  const $ = (selector, at = document) => at.querySelector(selector);
  const $$ = (selector, at = document) => [...at.querySelectorAll(selector)];
  const root = document.body.dataset.root;
  const store = {
    get(key) { try { return localStorage.getItem("seatrial-" + key); } catch { return null; } },
    set(key, value) { try { localStorage.setItem("seatrial-" + key, value); } catch { /* chosen anew on each page */ } },
  };

  // load returns the text of a data file of the folder, which is read once. Such a file is a script that calls seatrialData
  // with the text, compressed, since pages opened as files may not read anything else.
  const texts = new Map(), packed = new Map();
  globalThis.seatrialData = (file, data) => packed.set(file, data);
  function load(file) {
    if (!texts.has(file)) {
      texts.set(file, new Promise((done, failed) => {
        const s = document.createElement("script");
        s.src = root + file;
        s.onload = done;
        s.onerror = () => failed(new Error(file + " is not there"));
        document.head.append(s);
      }).then(() => unpack(packed.get(file))));
    }
    return texts.get(file);
  }
  function unpack(data) {
    const bytes = Uint8Array.from(atob(data), (c) => c.charCodeAt(0));
    return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).text();
  }

  // ---- The frame: what is of no use without scripts, and would be a part of each page

  const site = window.seatrialSite || { versions: [], kinds: [] };
  $(".top").insertAdjacentHTML("afterbegin", `<button type="button" class="icon menu" aria-label="Kinds" aria-expanded="false" aria-controls="ui-kinds"><svg aria-hidden="true" viewBox="0 0 20 20"><path d="M3 5h14M3 10h14M3 15h14"/></svg></button>`);
  $(".top").insertAdjacentHTML("beforeend", `<div class="search" role="search">
    <label class="hidden" for="ui-search">Search kinds, fields and descriptions</label>
    <input id="ui-search" type="search" placeholder="Search kinds, fields, descriptions" autocomplete="off" autocapitalize="off" spellcheck="false" role="combobox" aria-expanded="false" aria-controls="ui-hits" aria-autocomplete="list">
    <kbd aria-hidden="true">/</kbd>
    <div class="drop" tabindex="0" hidden><p class="state" role="status"></p><ul id="ui-hits" role="listbox" aria-label="Found"></ul></div></div>
    <label class="version"><span class="hidden">Kubernetes version</span><select id="ui-version"></select></label>
    <button type="button" class="icon theme" aria-label="Dark or light"><svg aria-hidden="true" viewBox="0 0 20 20"><path d="M10 3a7 7 0 1 0 7 7 5.5 5.5 0 0 1-7-7z"/></svg></button>`);
  document.body.insertAdjacentHTML("beforeend", `<dialog id="ui-help" aria-labelledby="ui-help-title"></dialog><p class="toast" role="status" hidden></p>`);

  // ---- Colours

  function switchTheme() {
    const dark = matchMedia("(prefers-color-scheme: dark)").matches;
    const now = document.documentElement.dataset.theme || (dark ? "dark" : "light");
    const next = now === "dark" ? "light" : "dark";
    document.documentElement.dataset.theme = next;
    store.set("theme", next);
  }
  $(".theme").addEventListener("click", switchTheme);

  // ---- The left side

  // showNavigation lists the kinds of nav.js.
  function showNavigation() {
    const nav = $("nav");
    const make = (name, text, ...below) => {
      const e = document.createElement(name);
      if (text) e.textContent = text;
      e.append(...below);
      return e;
    };
    const link = ([file, text, note, mask]) => {
      const a = make("a", text);
      a.href = root + file;
      if (note) a.append(" ", make("small", note));
      if (file === nav.dataset.current) a.setAttribute("aria-current", "page");
      const li = make("li", "", a);
      if (mask !== Number(document.body.dataset.all)) li.dataset.in = mask;
      return li;
    };
    nav.replaceChildren(...site.kinds.map(([name, closed, links]) => {
      const part = make("details", "", make("summary", name), make("ul", "", ...links.map(link)));
      part.open = !closed;
      return part;
    }));
  }
  if (site.kinds.length) showNavigation();

  const menu = $(".menu");
  function showKinds(open) {
    document.body.classList.toggle("nav-open", open);
    menu.setAttribute("aria-expanded", open);
    if (open) ($("nav [aria-current]") || $("nav a")).focus();
  }
  menu.addEventListener("click", () => showKinds(!document.body.classList.contains("nav-open")));
  $("nav").addEventListener("keydown", (e) => { if (e.key === "Escape" && document.body.classList.contains("nav-open")) { showKinds(false); menu.focus(); } });
  const current = $("nav [aria-current]");
  if (current) {
    current.closest("details").open = true;
    const nav = $("nav");
    nav.scrollTop = Math.max(0, current.offsetTop - nav.clientHeight / 3);
  }

  function toast(text) {
    const t = $(".toast");
    t.textContent = text;
    t.hidden = false;
    clearTimeout(toast.timer);
    toast.timer = setTimeout(() => { t.hidden = true; }, 2000);
  }
  async function copy(text, what) {
    try {
      await navigator.clipboard.writeText(text);
      toast("copied " + what);
    } catch {
      toast("the browser does not let this page copy");
    }
  }
  for (const b of $$(".copy")) b.addEventListener("click", () => copy($("#" + b.dataset.copy).textContent, "the example"));

  // ---- The version

  const select = $("#ui-version");
  select.replaceChildren(...site.versions.map((v, i) => new Option(v, i)).reverse());
  const has = (mask, bit) => (mask & bit) !== 0;
  let bit = 1; // of the version that is shown
  const nameOf = () => select.selectedOptions[0]?.textContent ?? "";

  // showVersion shows what the chosen version has and marks what came with it.
  function showVersion() {
    bit = 1 << Number(select.value);
    for (const e of $$("[data-in]")) e.hidden = !has(Number(e.dataset.in), bit);
    for (const e of $$("[data-absent]")) e.hidden = has(Number(e.dataset.absent), bit);
    for (const e of $$(".v-name")) e.textContent = nameOf();
    let fresh = 0, changed = 0;
    for (const f of $$(".f")) {
      const isNew = has(Number(f.dataset.new || 0), bit);
      const form = f.querySelector(":scope > .v:not([hidden])");
      const isChanged = !isNew && form !== null && has(Number(form.dataset.changed || 0), bit);
      f.classList.toggle("new", isNew);
      f.classList.toggle("changed", isChanged);
      f.classList.remove("news");
      f.querySelector(":scope > .v > .h > .fresh")?.remove();
      if (isChanged) {
        const b = document.createElement("span");
        b.className = "b fresh";
        b.textContent = "changed in " + nameOf();
        form.firstElementChild.append(b);
      }
      fresh += isNew;
      changed += isChanged;
    }
    for (const f of $$(".f.new, .f.changed")) {
      for (let up = f; up; up = up.parentElement.closest(".f")) up.classList.add("news");
    }
    for (const n of $$(".tree summary .n-of[data-counts]")) {
      const below = n.dataset.counts.split(",")[Math.log2(bit)];
      n.textContent = below + (below === "1" ? " field" : " fields");
    }
    const only = $(".only");
    if (only) {
      only.hidden = fresh + changed === 0;
      only.textContent = [fresh && fresh + " new", changed && changed + " changed"].filter(Boolean).join(", ") + " in " + nameOf();
      if (only.hidden) showOnlyNews(false);
    }
    const news = $$(".f:not([hidden]) > details[data-news]").filter((d) => has(Number(d.dataset.news), bit));
    if (news.length) fillAll(news).then(showVersion); // what is new is counted and marked, also where it is shared
  }
  function showOnlyNews(on) {
    $(".tree").classList.toggle("only-news", on);
    $(".only").setAttribute("aria-pressed", on);
    if (on) for (const f of $$(".f.news")) { const d = f.querySelector(":scope > details"); if (d && d.querySelector(".news")) d.open = true; }
  }
  $(".only")?.addEventListener("click", (e) => showOnlyNews(e.currentTarget.getAttribute("aria-pressed") !== "true"));
  const asked = new URLSearchParams(location.search).get("kubernetes") || store.get("version");
  const option = [...select.options].find((o) => o.textContent === asked);
  if (option) select.value = option.value;
  select.addEventListener("change", () => {
    store.set("version", nameOf());
    const url = new URL(location.href);
    url.searchParams.set("kubernetes", nameOf());
    try { history.replaceState(null, "", url); } catch { /* files cannot, in some browsers */ }
    showVersion();
    found = null;
  });

  // ---- Fields

  const fieldOf = (e) => e?.closest?.(".f");
  const below = (f) => f?.querySelector(":scope > details");
  const head = (f) => f.querySelector(":scope > .v:not([hidden]) > .h > .n");
  const visible = () => $$(".f > .v:not([hidden]) > .h > .n").filter((n) => n.checkVisibility());

  // ---- Parts: lists of fields that several places share, each in a script of its own

  const readPart = (d) => load("parts/" + d.dataset.part + ".js");
  const idOf = (f, path) => (f.id ? f.id + "." : "") + path;
  const anchor = (id) => "#" + id.replace(/[% "<>`]/g, encodeURIComponent);

  // fill puts the fields of a part into its place.
  async function fill(d) {
    const name = d.dataset.part;
    if (!name) return;
    let html;
    try {
      html = await readPart(d);
    } catch (e) {
      d.lastElementChild.textContent = e.message;
      delete d.dataset.news; // it is not asked for again
      return;
    }
    if (!d.dataset.part) return; // it was filled meanwhile
    delete d.dataset.part;
    delete d.dataset.news;
    d.dataset.filled = name;
    const fields = element("ol", "fields");
    fields.innerHTML = html;
    const above = fieldOf(d);
    for (const f of $$("[data-path]", fields)) {
      f.id = idOf(above, f.dataset.path);
      for (const n of $$(":scope > .v > .h > .n", f)) n.href = anchor(f.id);
      showRules(f);
    }
    for (const below of $$("details[data-part]", fields)) {
      if (d.closest(`[data-filled="${below.dataset.part}"]`)) {
        below.replaceWith(element("p", "again", "The type of this field is also that of a field above it: its fields are listed there."));
      }
    }
    d.lastElementChild.replaceWith(fields);
  }
  // fillAll fills some places, in their order.
  async function fillAll(places) {
    await Promise.allSettled(places.map(readPart));
    for (const d of places) await fill(d);
  }
  // fillPage fills all places of the page.
  async function fillPage() {
    for (;;) {
      const places = $$(".tree details[data-part]").filter((d) => !d.dataset.tried);
      if (!places.length) break;
      for (const d of places) d.dataset.tried = "";
      await fillAll(places);
    }
    showVersion();
  }
  const rules = JSON.parse($(".tree")?.dataset.rules || "{}");
  function showRules(f) {
    if (!rules[f.id]) return;
    for (const v of $$(":scope > .v", f)) {
      let facts = $(":scope > .facts", v);
      if (!facts) v.append(facts = element("ul", "facts"));
      const li = element("li", "rules", "lint rules ");
      rules[f.id].forEach((rule, i) => {
        const name = element("code", "", rule), page = document.body.dataset.rules, a = element("a");
        a.href = page + "#" + rule;
        a.append(name);
        li.append(i ? ", " : "", page ? a : name);
      });
      facts.append(li);
    }
  }
  document.addEventListener("toggle", (e) => {
    if (e.target.dataset?.part && e.target.open) fill(e.target).then(showVersion);
  }, true);

  // place finds a field, and fills the places above it.
  async function place(id) {
    for (let last = null; ;) {
      const f = document.getElementById(id);
      if (f) return f.classList.contains("f") ? f : null;
      let up = null;
      for (let at = id; !up && at.includes(".");) {
        at = at.slice(0, at.lastIndexOf("."));
        up = document.getElementById(at);
      }
      const d = up && below(up);
      if (!d?.dataset.part || d === last) return null;
      await fill(last = d);
    }
  }

  // ---- The path of the field that is read, above the fields

  const path = $(".path");
  let read = null;
  function showPath() {
    if (!path) return;
    const f = fieldInSight();
    if (f === read) return;
    read = f;
    const names = [];
    for (let up = f; up; up = fieldOf(up.parentElement)) {
      const a = element("a", "", head(up)?.textContent || up.id);
      a.href = anchor(up.id);
      names.unshift(a);
    }
    path.hidden = !f;
    path.replaceChildren(...names.flatMap((a, i) => (i ? [element("span", "", "."), a] : [a])));
    path.scrollLeft = path.scrollWidth;
  }
  // fieldInSight is the field of the link or of the keys while it is in sight, else the one that is read now.
  function fieldInSight() {
    const top = $(".top").getBoundingClientRect().bottom + 4;
    const inSight = (f) => {
      const h = f && !f.hidden && $(":scope > .v:not([hidden]) > .h", f)?.getBoundingClientRect();
      return h && h.bottom > top && h.top < innerHeight && h.height > 0;
    };
    for (const f of [fieldOf(document.activeElement), $(".f.here")]) if (inSight(f)) return f;
    const tree = $(".tree").getBoundingClientRect();
    return tree.top > top ? null : fieldOf(document.elementFromPoint(tree.right - 4, top + 40));
  }
  let due = 0;
  for (const event of ["scroll", "focusin", "resize", "toggle"]) {
    addEventListener(event, () => { due ||= requestAnimationFrame(() => { due = 0; showPath(); }); }, true);
  }

  // reveal opens a field and all above it, and brings it into sight.
  async function reveal(id, focus) {
    if (!id) return;
    const f = await place(id);
    if (!f) return;
    showVersion();
    if (f.hidden) {
      toast("not in Kubernetes " + nameOf());
      return;
    }
    for (let d = f.parentElement.closest("details"); d; d = d.parentElement.closest("details")) d.open = true;
    const d = below(f);
    if (d) {
      await fill(d);
      d.open = true;
    }
    for (const old of $$(".f.here")) old.classList.remove("here");
    f.classList.add("here");
    f.scrollIntoView({ block: "start" });
    if (focus) head(f)?.focus({ preventScroll: true });
    showPath();
  }
  const target = () => { try { return decodeURIComponent(location.hash.slice(1)); } catch { return ""; } };
  function step(by) {
    const all = visible();
    if (!all.length) return;
    const now = fieldOf(document.activeElement) || $(".f.here");
    let i = all.findIndex((n) => fieldOf(n) === now);
    i = i < 0 ? (by > 0 ? 0 : all.length - 1) : Math.min(all.length - 1, Math.max(0, i + by));
    all[i].focus({ preventScroll: true });
    fieldOf(all[i]).scrollIntoView({ block: "nearest" });
  }
  function open(f) {
    const d = below(f);
    if (d && !d.open) { d.open = true; return; }
    step(1);
  }
  function close(f) {
    const d = below(f);
    if (d?.open) { d.open = false; return; }
    const up = fieldOf(f.parentElement);
    if (up) { head(up).focus({ preventScroll: true }); up.scrollIntoView({ block: "nearest" }); }
  }
  $(".open")?.addEventListener("click", async () => { await fillPage(); for (const d of $$(".tree details")) d.open = true; });
  $(".close")?.addEventListener("click", () => { for (const d of $$(".tree details")) d.open = false; });
  addEventListener("hashchange", () => reveal(target(), true));

  // ---- Search

  const input = $("#ui-search"), drop = $(".drop"), list = $("#ui-hits"), state = $(".drop .state");
  let index = null, wanted = null, found = null, chosen = -1;
  const known = { kinds: [], types: [], texts: [], scripts: 0 };
  // readIndex adds a piece of the index: kinds and types stand in the first, fields and texts in several.
  async function readIndex(file) {
    const data = JSON.parse(await load(file));
    if (data.kinds) Object.assign(known, { kinds: data.kinds, types: data.types, scripts: data.scripts });
    index ??= known.kinds.map(([kind, api, file, mask, text, names, preferred]) =>
      ({ kind, api, file, mask, text, preferred, path: "", type: "", name: kind, names: [kind.toLowerCase(), ...names], full: kind.toLowerCase() }));
    for (const [k, above, fields] of data.groups || []) {
      for (const [name, type, text, mask = index[k].mask] of fields) {
        const path = above ? above + "." + name : name;
        index.push({ ...index[k], mask, text, path, type: known.types[type], name, names: [name.toLowerCase()], full: (index[k].kind + "." + path).toLowerCase() });
      }
    }
    for (const text of data.texts || []) known.texts.push([text, text.toLowerCase()]);
    vocabulary = null;
  }
  const textOf = (e) => known.texts[e.text]?.[0] ?? "";

  // loadIndex loads the names, then the other pieces, and looks again with each.
  function loadIndex() {
    if (!wanted) {
      wanted = readIndex("search.js");
      wanted.then(async () => {
        for (let i = 1; i <= known.scripts; i++) {
          await readIndex(`search-${i}.js`);
          if (!drop.hidden) show(input.value);
        }
      }).catch(() => {}); // the search reports that the first is missing, and works without the others
    }
    return wanted;
  }
  const letter = /[\p{L}\p{N}]/u;
  function whole(text, word, at) {
    for (; at >= 0; at = text.indexOf(word, at + 1)) {
      if (!(at > 0 && letter.test(text[at - 1])) && !(at + word.length < text.length && letter.test(text[at + word.length]))) return true;
    }
    return false;
  }
  // score ranks as `seatrial explain --search` does: a name counts more than a path, a path more than a description.
  function score(e, words) {
    let total = 0;
    for (const w of words) {
      let best = 0;
      for (const n of e.names) best = Math.max(best, n === w ? 100 : n.startsWith(w) ? 60 : n.includes(w) ? 40 : 0);
      if (!best && e.full.includes(w)) best = 15;
      if (!best) {
        const text = known.texts[e.text]?.[1] ?? "", at = text.indexOf(w);
        if (at < 0) return 0;
        best = whole(text, w, at) ? 10 : 4;
      }
      total += best;
    }
    if (!e.path) total += 5;
    if (/alpha|beta/.test(e.api) || !e.preferred) total -= 6;
    return Math.max(1, total);
  }
  function hitsOf(words) {
    const hits = [];
    for (const e of index) {
      if (!has(e.mask, bit)) continue;
      const points = score(e, words);
      if (points) hits.push([points, e]);
    }
    return hits.sort((a, b) => b[0] - a[0] || a[1].path.length - b[1].path.length || (a[1].kind < b[1].kind ? -1 : 1));
  }
  function find(query) {
    let words = query.toLowerCase().split(/[\s.]+/).filter(Boolean), guess = "";
    let hits = words.length ? hitsOf(words) : [];
    if (words.length && !hits.length) {
      const close = words.map((w) => (hitsOf([w]).length ? w : nearest(w) || w));
      hits = hitsOf(close);
      if (hits.length) { words = close; guess = close.join(" "); }
    }
    return { words, guess, hits: hits.slice(0, 40).map((h) => h[1]), more: hits.length };
  }

  // nearest is the name, or the part of one, that a word was probably meant to be; "" if none is near.
  let vocabulary = null;
  function nearest(word) {
    vocabulary ??= [...new Set(index.flatMap((e) => [e.name.toLowerCase(), ...e.names, ...e.name.split(/(?=[A-Z])/).map((p) => p.toLowerCase())]))].filter((w) => w.length > 3);
    let best = "", least = word.length < 4 ? 0 : word.length < 7 ? 1.5 : 2.5;
    for (const w of vocabulary) {
      if (Math.abs(w.length - word.length) > least) continue;
      const d = distance(word, w, least);
      if (d < least) { best = w; least = d; }
    }
    return best;
  }
  // distance counts the letters that are missing, too many, wrong, or in the wrong order; the first letter is seldom wrong.
  function distance(a, b, limit) {
    let before = [], last = [...Array(b.length + 1).keys()];
    for (let i = 1; i <= a.length; i++) {
      const row = [i];
      for (let j = 1; j <= b.length; j++) {
        row[j] = Math.min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1));
        if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) row[j] = Math.min(row[j], before[j - 2] + 1);
      }
      if (Math.min(...row) > limit) return Infinity;
      before = last;
      last = row;
    }
    return last[b.length] + (a[0] === b[0] ? 0 : 0.4);
  }
  function marked(text, words, into) {
    const lower = text.toLowerCase();
    for (let at = 0; at < text.length;) {
      let next = text.length, length = 0;
      for (const w of words) {
        const i = lower.indexOf(w, at);
        if (i >= 0 && (i < next || (i === next && w.length > length))) { next = i; length = w.length; }
      }
      if (next > at) into.append(text.slice(at, next));
      if (length) {
        const m = document.createElement("mark");
        m.textContent = text.slice(next, next + length);
        into.append(m);
      }
      at = next + length;
    }
    return into;
  }
  // snippet is the part of a description around the first of the words.
  function snippet(text, words) {
    const at = Math.min(...words.map((w) => text.toLowerCase().indexOf(w)).filter((i) => i >= 0));
    if (!Number.isFinite(at) || at < 60) return text.slice(0, 180);
    const start = text.lastIndexOf(" ", at - 40) + 1;
    return "…" + text.slice(start, start + 180);
  }
  function element(tag, name, text) {
    const e = document.createElement(tag);
    if (name) e.className = name;
    if (text) e.textContent = text;
    return e;
  }
  function item(e, words, i) {
    const li = element("li");
    li.setAttribute("role", "none");
    const a = element("a");
    a.id = "ui-hit-" + i;
    a.setAttribute("role", "option");
    a.href = root + e.file + (e.path ? "#" + encodeURI(e.path).replaceAll("#", "%23") : "");
    a.tabIndex = -1;
    const where = element("span", "where");
    where.append(marked(e.path ? e.kind + "." + e.path : e.kind, words, element("b")), element("span", "t", e.type), element("small", "", e.api));
    a.append(where, marked(snippet(textOf(e), words), words, element("span", "what")));
    li.append(a);
    return li;
  }
  async function search() {
    const query = input.value;
    if (!query.trim()) { hide(); return; }
    drop.hidden = false;
    input.setAttribute("aria-expanded", "true");
    if (!index) {
      state.textContent = "reading the index…";
      try { await loadIndex(); } catch { state.textContent = "the index (search.js) is not there"; return; }
    }
    if (input.value === query) show(query);
  }
  function show(query) {
    const was = chosen;
    found = find(query);
    list.replaceChildren(...found.hits.map((e, i) => item(e, found.words, i)));
    const count = found.more > found.hits.length ? `the first ${found.hits.length} of ${found.more}` : "";
    const guess = found.guess && `nothing has ${query.trim()}: looked for ${found.guess}`;
    state.textContent = found.hits.length ? [guess, count].filter(Boolean).join("; ") : `nothing in Kubernetes ${nameOf()} matches`;
    choose(found.hits.length ? Math.min(Math.max(was, 0), found.hits.length - 1) : -1);
    if (was < 1) drop.scrollTop = 0;
  }
  function choose(i) {
    list.children[chosen]?.firstChild.setAttribute("aria-selected", "false");
    chosen = i;
    const a = list.children[i]?.firstChild;
    if (!a) { input.removeAttribute("aria-activedescendant"); return; }
    a.setAttribute("aria-selected", "true");
    input.setAttribute("aria-activedescendant", a.id);
    a.scrollIntoView({ block: "nearest" });
  }
  function hide() {
    drop.hidden = true;
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
    list.replaceChildren();
    chosen = -1;
  }
  input.addEventListener("beforeinput", (e) => { if (e.data === "/" && !input.value) e.preventDefault(); }); // it came here by that key
  input.addEventListener("input", () => { chosen = -1; search(); });
  input.addEventListener("focus", () => { loadIndex().catch(() => {}); if (input.value) search(); });
  input.addEventListener("keydown", (e) => {
    const n = list.children.length;
    if (e.key === "ArrowDown" && n) choose((chosen + 1) % n);
    else if (e.key === "ArrowUp" && n) choose((chosen - 1 + n) % n);
    else if (e.key === "Enter" && list.children[chosen]) { follow(list.children[chosen].firstChild); }
    else if (e.key === "Escape") { if (drop.hidden) input.blur(); hide(); input.value = ""; }
    else return;
    e.preventDefault();
  });
  function follow(a) {
    hide();
    input.blur();
    const there = new URL(a.href);
    const here = there.pathname === location.pathname && there.hash === location.hash && there.hash;
    location.href = a.href;
    if (here) reveal(target(), true);
  }
  list.addEventListener("click", (e) => {
    const a = e.target.closest("a");
    if (a && !e.ctrlKey && !e.metaKey && !e.shiftKey) { e.preventDefault(); follow(a); }
  });
  document.addEventListener("pointerdown", (e) => { if (!e.target.closest(".search")) hide(); });

  // ---- Keys

  const help = $("#ui-help");
  function showHelp() {
    if (!help.firstChild) {
      const title = element("h2", "", "Keys"), keys = element("dl", "keys"), form = element("form"), close = element("button", "", "Close");
      title.id = "ui-help-title";
      for (const [names, text] of [
        ["/", "search; ↑ and ↓ choose, enter goes there, esc closes"], ["j k", "next and previous field"], ["↑ ↓", "the same, from a field"],
        ["→ ←", "open and close the fields below"], ["o", "open or close them"], ["y", "copy the path of the field"],
        ["t", "dark or light"], ["?", "this help"],
      ]) {
        const row = element("div"), name = element("dt");
        name.append(...names.split(" ").flatMap((n, i) => [i ? " " : "", element("kbd", "", n)]));
        row.append(name, element("dd", "", text));
        keys.append(row);
      }
      form.method = "dialog";
      form.append(close);
      help.append(title, keys, form);
    }
    help.showModal();
  }
  document.addEventListener("keydown", (e) => {
    if ((e.ctrlKey || e.metaKey) && e.key === "f") fillPage(); // the browser looks in the whole page
    if (e.ctrlKey || e.metaKey || e.altKey || e.target.closest("input, select, textarea, dialog[open]")) return;
    const onField = fieldOf(document.activeElement);
    const f = onField || $(".f.here");
    const act = {
      "/": () => { input.focus(); input.select(); },
      "j": () => step(1),
      "k": () => step(-1),
      "o": () => { const d = below(f); if (d) d.open = !d.open; },
      "y": () => { if (f) copy(f.id, f.id); },
      "t": switchTheme,
      "?": showHelp,
      ...(onField && document.activeElement.classList.contains("n") && {
        ArrowDown: () => step(1),
        ArrowUp: () => step(-1),
        ArrowRight: () => open(f),
        ArrowLeft: () => close(f),
      }),
    }[e.key];
    if (!act) return;
    e.preventDefault();
    act();
  });

  // ---- To begin with

  for (const f of $$(".f")) for (const n of $$(":scope > .v > .h > .n", f)) n.href = anchor(f.id);
  showVersion();
  const spec = document.getElementById("spec");
  if (spec?.classList.contains("f") && !target()) below(spec)?.setAttribute("open", "");
  reveal(target(), false);
  const openRule = () => document.getElementById(target())?.querySelector?.(":scope.rule > details")?.setAttribute("open", "");
  addEventListener("hashchange", openRule);
  openRule();
})();

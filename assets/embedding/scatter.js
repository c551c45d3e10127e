/* The map of the embedding tab: points, names, legend, tools. Made for a Gradio HTML component and for a page of its own.
   `new Luotuo.Scatter(root, talk)`; talk = {peek(row), pick(bits)} is told what the visitor does. Every text is
   set as text, never as markup. Knows nothing of how positions or colours were computed. */
(function () {
  'use strict';
  const Luotuo = (window.Luotuo = window.Luotuo || {});
  const REACH = 14; /* px within which a point counts as pointed at */
  const MORPH_MS = 900;

  function bytes(text) {
    const raw = atob(text || ''), out = new Uint8Array(raw.length);
    for (let at = 0; at < raw.length; at++) out[at] = raw.charCodeAt(at);
    return out;
  }
  Luotuo.bytes = bytes;
  Luotuo.shorts = (text) => new Uint16Array(bytes(text).buffer);
  Luotuo.text = (values) => {
    let raw = '';
    for (let at = 0; at < values.length; at += 32768) raw += String.fromCharCode.apply(null, values.subarray(at, at + 32768));
    return btoa(raw);
  };
  Luotuo.element = function (tag, className, parent, words) {
    const made = document.createElement(tag);
    made.className = className;
    if (words) made.textContent = words;
    if (parent) parent.appendChild(made);
    return made;
  };

  Luotuo.Scatter = class Scatter {
    constructor(root, talk) {
      this.root = root;
      this.talk = talk;
      this.camera = new Luotuo.Camera();
      this.n = 0;
      this.words = {};
      this.hidden = new Set(); /* codes that the legend has switched off */
      this.spots = null; /* pixels of all points, until the camera moves */
      this.moment = 1; /* of the morph, 0 … 1 */
      this.build();
      new ResizeObserver(() => this.later()).observe(this.stage);
      new MutationObserver(() => this.later()).observe(document.body, { attributes: true, attributeFilter: ['class'] });
    }

    build() {
      const make = Luotuo.element;
      this.root.textContent = '';
      this.bar = make('div', 'map-bar', this.root);
      this.stage = make('div', 'map-stage', this.root);
      this.stage.tabIndex = 0;
      this.stage.setAttribute('role', 'application');
      this.base(make('canvas', 'map-points', this.stage));
      this.over = new Luotuo.Overlay(make('canvas', 'map-over', this.stage));
      this.bubble = make('div', 'map-tip', this.stage);
      this.bubble.hidden = true;
      this.bubble.setAttribute('aria-live', 'polite');
      this.legend = new Luotuo.Legend(make('div', 'map-legend', this.root), this);
      this.tools = new Luotuo.Tools(this);
    }

    base(canvas) {
      const made = Luotuo.painter(canvas);
      this.painter = made.painter;
      this.canvas = made.canvas;
      this.root.dataset.painter = made.kind;
      this.canvas.addEventListener('webglcontextlost', (event) => event.preventDefault());
      this.canvas.addEventListener('webglcontextrestored', () => {
        this.base(this.canvas);
        if (this.given) { this.points(this.given, true); this.paint(this.tint); }
      });
    }

    /** New positions: {n, dims, xyz, sizes, px, links, words, about}. With `same` points they glide to their new places. */
    points(given, again) {
      const to = Luotuo.shorts(given.xyz), glides = !again && this.n === given.n && this.camera.dims === given.dims && this.xyz;
      this.painter.set('from', glides ? this.xyz : to, given.dims);
      this.painter.set('to', to, given.dims);
      this.painter.set('size', given.sizes ? bytes(given.sizes) : new Uint8Array(given.n));
      if (this.n !== given.n || !this.flags) this.reset(given.n);
      Object.assign(this, { given, n: given.n, xyz: to, px: given.px, words: given.words, before: glides || to });
      this.pairs = given.links ? new Uint32Array(bytes(given.links).buffer) : null;
      if (!again) this.camera.frame(to, given.dims);
      this.tools.name(given.words, given.dims);
      this.stage.setAttribute('aria-label', given.about);
      this.glide(Boolean(glides));
    }

    reset(n) {
      this.flags = new Uint8Array(n).fill(2);
      this.codes = new Uint8Array(n);
      this.chosen = null;
      this.under = -1;
      this.hits = [];
      this.painter.set('code', this.codes);
      this.flag(n);
    }

    glide(moving) {
      const still = !moving || this.n > 300000 || matchMedia('(prefers-reduced-motion: reduce)').matches;
      const start = performance.now();
      this.moment = still ? 1 : 0;
      const step = () => {
        const t = Math.min(1, (performance.now() - start) / MORPH_MS);
        this.moment = t * t * (3 - 2 * t);
        this.later();
        if (t < 1) requestAnimationFrame(step);
      };
      if (still) this.later(); else step();
    }

    /** New colours: {codes, palette: ["#rrggbb"], names, counts, spots, marked, scale, title}. */
    paint(given) {
      if (!given) return;
      const palette = new Uint8Array(1024).fill(128);
      given.palette.forEach((hex, at) => [1, 3, 5].forEach((from, part) => { palette[4 * at + part] = parseInt(hex.slice(from, from + 2), 16); }));
      const codes = bytes(given.codes);
      if (codes.length !== this.n) return;
      this.tint = given;
      this.codes = codes;
      this.hidden.clear();
      this.painter.palette(palette);
      this.painter.set('code', this.codes);
      this.legend.draw(given, this.words);
      this.flag();
    }

    /** Rows to light up, best first; everything else turns pale. */
    light(rows) {
      this.hits = rows || [];
      this.flag();
    }

    /** A selection as one bit per row, base64; "" for none. */
    choose(text, quietly) {
      const bits = text ? bytes(text) : null;
      this.chosen = bits && bits.some(Boolean) ? bits : null;
      this.root.dataset.chosen = String(this.count());
      this.flag();
      if (!quietly) this.talk.pick(this.chosen ? Luotuo.text(this.chosen) : '');
    }

    has(row) { return Boolean(this.chosen && this.chosen[row >> 3] & (1 << (row & 7))); }

    count() {
      let sum = 0;
      for (const byte of this.chosen || []) for (let rest = byte; rest; rest &= rest - 1) sum++;
      return sum;
    }

    flag() {
      const { n, flags, codes, hidden, chosen } = this, pale = chosen || this.hits.length;
      for (let row = 0; row < n; row++)
        flags[row] = hidden.size && hidden.has(codes[row]) ? 0 : !pale || (chosen && chosen[row >> 3] & (1 << (row & 7))) ? 2 : 1;
      for (const row of this.hits) if (flags[row]) flags[row] = 3;
      this.painter.set('flag', flags);
      this.painter.top(Uint32Array.from(this.hits.filter((row) => flags[row])));
      this.root.dataset.lit = String(this.hits.length);
      this.later();
    }

    later() {
      this.spots = null;
      if (this.waiting) return;
      this.waiting = true;
      requestAnimationFrame(() => { this.waiting = false; this.draw(); });
    }

    size() { return { width: this.stage.clientWidth, height: this.stage.clientHeight }; }

    draw(ratio) {
      const { width, height } = this.size();
      if (!width || !this.n) return;
      const dense = ratio || Math.min(2, window.devicePixelRatio || 1);
      for (const canvas of [this.canvas, this.over.canvas]) {
        if (canvas.width !== Math.round(width * dense)) canvas.width = Math.round(width * dense);
        if (canvas.height !== Math.round(height * dense)) canvas.height = Math.round(height * dense);
      }
      this.painter.draw({
        n: this.n, rows: this.camera.rows(width, height), width, height, ratio: dense, t: this.moment,
        px: this.px * this.grown(), solid: this.camera.dims === 3, marked: Boolean(this.tint && this.tint.marked),
      });
      this.cover(width, height, dense);
      this.root.dataset.drawn = String(this.n);
    }

    /** Draws anew only what lies over the points. */
    sketch() {
      const { width, height } = this.size();
      if (width && this.n) this.cover(width, height, this.over.canvas.width / width);
    }

    /** Points grow a little as one comes closer. */
    grown() { return this.bigger * Math.min(3, Math.max(1, Math.sqrt(this.camera.zoom) * 0.8)); }
    get bigger() { return this.factor || 1; }

    cover(width, height, dense) {
      const over = this.over, rows = this.camera.rows(width, height);
      over.begin(width, height, dense);
      if (this.moment < 1) return;
      if (this.pairs) over.links(this.pairs, this.pixels());
      const at = (name) => rows.slice(0, 2).map((row) => row[0] * name.x + row[1] * name.y + row[2] * (name.z || 0) + row[3]);
      const shown = ((this.tint && this.tint.spots) || []).filter((name) => !this.hidden.has(name.code));
      const wanted = shown.map((name) => ({ text: name.text, left: at(name)[0], top: at(name)[1] }));
      this.named = over.names(wanted);
      this.root.dataset.names = String(this.named.length);
      if (this.under >= 0) over.ring(this.pixels()[2 * this.under], this.pixels()[2 * this.under + 1], (this.px * this.grown()) / 2 + 5);
      if (this.tools.fence) over.fence(this.tools.fence);
    }

    pixels() {
      const { width, height } = this.size();
      return (this.spots = this.spots || this.camera.project(this.xyz, this.camera.dims, width, height));
    }

    /** Row of the visible point nearest to a pixel, −1 when none is within reach. A plain scan: 0.2 ms for 100,000. */
    nearest(left, top) {
      const spots = this.pixels(), flags = this.flags;
      let best = -1, least = REACH * REACH;
      for (let row = 0; row < this.n; row++) {
        const x = spots[2 * row] - left, y = spots[2 * row + 1] - top, far = x * x + y * y;
        if (far < least && flags[row]) { least = far; best = row; }
      }
      return best;
    }

    /** Bits of the visible points inside a polygon of pixels. */
    within(polygon) {
      const spots = this.pixels(), bits = new Uint8Array((this.n + 7) >> 3);
      const xs = polygon.map((corner) => corner[0]), ys = polygon.map((corner) => corner[1]);
      const [left, right, top, bottom] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
      for (let row = 0; row < this.n; row++) {
        const x = spots[2 * row], y = spots[2 * row + 1];
        if (x < left || x > right || y < top || y > bottom || !this.flags[row]) continue;
        if (Luotuo.inside(polygon, x, y)) bits[row >> 3] |= 1 << (row & 7);
      }
      return bits;
    }

    hover(row) {
      if (row === this.under) return;
      this.under = row;
      this.bubble.hidden = true;
      this.sketch();
      clearTimeout(this.asking);
      if (row >= 0) this.asking = setTimeout(() => this.talk.peek(row), 70);
    }

    /** The answer to a peek: {row, text, note}. */
    tip(given) {
      if (!given || given.row !== this.under) return;
      const spots = this.pixels(), { width, height } = this.size(), x = spots[2 * given.row], y = spots[2 * given.row + 1];
      this.bubble.textContent = '';
      Luotuo.element('p', '', this.bubble, given.text);
      Luotuo.element('small', '', this.bubble, given.note);
      this.bubble.hidden = false;
      const left = Math.max(4, Math.min(width - this.bubble.offsetWidth - 4, x - this.bubble.offsetWidth / 2));
      const below = y + 14 + this.bubble.offsetHeight < height;
      this.bubble.style.transform = `translate(${left}px, ${below ? y + 14 : Math.max(2, y - 14 - this.bubble.offsetHeight)}px)`;
    }
  };
})();

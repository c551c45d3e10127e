/* How a visitor handles the map: buttons, pointer, wheel, two fingers, keys. And the legend, which filters.
   Knows the scatter that it steers; all words come with the data, in the visitor's language. */
(function () {
  'use strict';
  const Luotuo = (window.Luotuo = window.Luotuo || {});
  const STEP = 60; /* px that an arrow key moves the map */
  const STILL = 5; /* px that a pointer may move in a click */
  const ICONS = {
    pan: 'M12 3v18M3 12h18M12 3l-3 3M12 3l3 3M12 21l-3-3M12 21l3-3M3 12l3-3M3 12l3 3M21 12l-3-3M21 12l-3 3',
    lasso: 'M12 4c5 0 9 2.6 9 6s-4 6-9 6-9-2.6-9-6 4-6 9-6zM7 15c-2 1-2.500 3-1 4s2 2 1 3',
    box: 'M4 4h4M11 4h3M17 4h3v3M20 10v3M20 17v3h-3M14 20h-3M8 20H4v-3M4 14v-3M4 8V4',
    near: 'M5 12h14M12 5v14', far: 'M5 12h14', fit: 'M4 9V4h5M15 4h5v5M20 15v5h-5M9 20H4v-5',
    bigger: 'M12 12m-6 0a6 6 0 1 0 12 0a6 6 0 1 0-12 0', smaller: 'M12 12m-2.500 0a2.500 2.500 0 1 0 5 0a2.500 2.500 0 1 0-5 0',
    picture: 'M4 5h16v14H4zM4 16l5-5 4 4 3-3 4 4M15.500 9h.01', vector: 'M5 19L19 5M3 17h4v4H3zM17 3h4v4h-4z',
  };

  function icon(path) {
    const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg'), line = document.createElementNS(svg.namespaceURI, 'path');
    svg.setAttribute('viewBox', '0 0 24 24');
    svg.setAttribute('aria-hidden', 'true');
    line.setAttribute('d', path);
    svg.appendChild(line);
    return svg;
  }

  Luotuo.Tools = class Tools {
    constructor(map) {
      this.map = map;
      this.mode = 'pan';
      this.fence = null;
      this.fingers = new Map();
      this.buttons = {};
      map.bar.setAttribute('role', 'toolbar');
      const acts = {
        pan: () => this.turn('pan'), lasso: () => this.turn('lasso'), box: () => this.turn('box'),
        near: () => this.approach(1.5), far: () => this.approach(1 / 1.5), fit: () => { map.camera.fit(); map.later(); },
        bigger: () => this.grow(1.25), smaller: () => this.grow(0.8),
        picture: () => Luotuo.save(map, 'png'), vector: () => Luotuo.save(map, 'svg'),
      };
      for (const name in acts) {
        const button = (this.buttons[name] = Luotuo.element('button', `map-tool map-${name}`, map.bar));
        button.type = 'button';
        button.appendChild(icon(ICONS[name]));
        button.addEventListener('click', acts[name]);
      }
      this.turn('pan');
      this.listen(map.stage);
    }

    /** Gives the buttons their names in the visitor's language. */
    name(words, dims) {
      for (const name in this.buttons) {
        const said = name === 'pan' && dims === 3 ? words.rotate : words[name];
        this.buttons[name].title = said;
        this.buttons[name].setAttribute('aria-label', said);
      }
      this.map.bar.setAttribute('aria-label', words.tools);
    }

    turn(mode) {
      this.mode = mode;
      for (const name of ['pan', 'lasso', 'box']) this.buttons[name].setAttribute('aria-pressed', String(name === mode));
      this.map.stage.dataset.mode = mode;
    }

    grow(factor) {
      this.map.factor = Math.max(0.4, Math.min(4, this.map.bigger * factor));
      this.map.later();
    }

    approach(factor, left, top) {
      const { width, height } = this.map.size();
      this.map.camera.approach(factor, left === undefined ? width / 2 : left, top === undefined ? height / 2 : top, width, height);
      this.map.later();
    }

    listen(stage) {
      stage.addEventListener('pointerdown', (event) => this.down(event));
      stage.addEventListener('pointermove', (event) => this.move(event));
      for (const name of ['pointerup', 'pointercancel']) stage.addEventListener(name, (event) => this.up(event));
      stage.addEventListener('pointerleave', () => { if (!this.fingers.size) this.map.hover(-1); });
      stage.addEventListener('wheel', (event) => this.wheel(event), { passive: false });
      stage.addEventListener('dblclick', (event) => this.approach(2, ...this.spot(event)));
      stage.addEventListener('keydown', (event) => this.key(event));
    }

    spot(event) {
      const frame = this.map.stage.getBoundingClientRect();
      return [event.clientX - frame.left, event.clientY - frame.top];
    }

    down(event) {
      if (event.button) return;
      this.map.stage.setPointerCapture(event.pointerId);
      this.fingers.set(event.pointerId, this.spot(event));
      this.from = this.spot(event);
      this.moved = false;
      this.mixes = event.shiftKey ? 'add' : event.altKey ? 'take' : '';
      this.fence = null;
    }

    move(event) {
      const now = this.spot(event), before = this.fingers.get(event.pointerId);
      if (!before) { this.map.hover(event.pointerType === 'touch' ? -1 : this.map.n ? this.map.nearest(...now) : -1); return; }
      if (Math.hypot(now[0] - this.from[0], now[1] - this.from[1]) > STILL) this.moved = true;
      if (this.moved) this.drag(event, now, before);
      this.fingers.set(event.pointerId, now);
    }

    drag(event, now, before) {
      const map = this.map, { width, height } = map.size();
      map.hover(-1);
      if (this.fingers.size === 2) {
        const other = [...this.fingers].find(([id]) => id !== event.pointerId)[1];
        const apart = (spot) => Math.hypot(spot[0] - other[0], spot[1] - other[1]) || 1;
        this.approach(apart(now) / apart(before), (now[0] + other[0]) / 2, (now[1] + other[1]) / 2);
        map.camera.pan((now[0] - before[0]) / 2, (now[1] - before[1]) / 2, width, height);
      } else if (this.mode === 'lasso') {
        this.fence = [...(this.fence || [this.from]), now];
        map.sketch();
      } else if (this.mode === 'box') {
        const [x, y] = this.from;
        this.fence = [[x, y], [now[0], y], now, [x, now[1]]];
        map.sketch();
      } else if (map.camera.dims === 3 && !event.shiftKey) {
        map.camera.turn(now[0] - before[0], now[1] - before[1]);
        map.later();
      } else {
        map.camera.pan(now[0] - before[0], now[1] - before[1], width, height);
        map.later();
      }
    }

    up(event) {
      const map = this.map;
      if (!this.fingers.delete(event.pointerId) || event.type === 'pointercancel') { this.fence = null; return; }
      if (this.fence && this.fence.length > 2) {
        const bits = map.within(this.fence);
        this.fence = null;
        map.choose(Luotuo.text(this.mixed(bits)));
      } else if (!this.moved && map.n) {
        const row = map.nearest(...this.spot(event));
        map.hover(row);
        if (row >= 0) this.tap(row);
        else if (map.chosen) map.choose('');
      }
      this.fence = null;
      map.sketch();
    }

    /** A click chooses one point; with shift held it joins or leaves the selection. */
    tap(row) {
      const bits = new Uint8Array((this.map.n + 7) >> 3);
      if (this.mixes && this.map.chosen) bits.set(this.map.chosen);
      bits[row >> 3] ^= 1 << (row & 7);
      this.map.choose(Luotuo.text(bits));
    }

    /** The new selection, added to or taken from the old one while shift or alt is held. */
    mixed(bits) {
      const old = this.map.chosen;
      if (old && this.mixes === 'add') return bits.map((byte, at) => byte | old[at]);
      return old && this.mixes === 'take' ? old.map((byte, at) => byte & ~bits[at]) : bits;
    }

    /** The wheel zooms only while the map has the focus, so that a page can be scrolled past it. */
    wheel(event) {
      if (document.activeElement !== this.map.stage && !event.ctrlKey) return;
      event.preventDefault();
      this.approach(Math.exp(-event.deltaY / 400), ...this.spot(event));
    }

    key(event) {
      const map = this.map, { width, height } = map.size(), { ctrlKey, metaKey, altKey, key } = event;
      if (ctrlKey || metaKey || altKey) return;
      const arrows = { ArrowLeft: [STEP, 0], ArrowRight: [-STEP, 0], ArrowUp: [0, STEP], ArrowDown: [0, -STEP] };
      if (arrows[key] && map.camera.dims === 3 && !event.shiftKey) map.camera.turn(-arrows[key][0] / 3, -arrows[key][1] / 3);
      else if (arrows[key]) map.camera.pan(...arrows[key], width, height);
      else if (key === '+' || key === '=') this.approach(1.5);
      else if (key === '-') this.approach(1 / 1.5);
      else if (key === '0' || key === 'Home') map.camera.fit();
      else if (key === 'Escape') { this.fence = null; map.hover(-1); if (map.chosen) map.choose(''); }
      else return;
      event.preventDefault();
      map.later();
    }
  };

  /** One button per group: pressed = shown. A double click shows that group alone. */
  Luotuo.Legend = class Legend {
    constructor(root, map) {
      this.root = root;
      this.map = map;
    }

    draw(given, words) {
      this.root.textContent = '';
      if (given.scale) { this.ramp(given); return; }
      this.buttons = given.names.map((name, code) => {
        const button = Luotuo.element('button', 'map-group', this.root);
        button.type = 'button';
        button.title = words.filter;
        button.appendChild(this.swatch(given, code));
        Luotuo.element('span', '', button, name);
        Luotuo.element('small', '', button, String(given.counts[code]));
        button.addEventListener('click', () => this.toggle(code));
        button.addEventListener('dblclick', () => this.only(code));
        return button;
      });
      this.show();
    }

    swatch(given, code) {
      const svg = icon(''), corners = Luotuo.corners(given.marked ? code % Luotuo.MARKS : 0, 12, 12, 10);
      svg.firstChild.setAttribute('d', corners ? `M${corners.map((corner) => corner.join(' ')).join('L')}Z` : 'M12 12m-10 0a10 10 0 1 0 20 0a10 10 0 1 0-20 0');
      svg.style.fill = given.palette[code];
      return svg;
    }

    ramp(given) {
      Luotuo.element('span', '', this.root, `${given.title} ${given.scale[0]}`);
      const bar = Luotuo.element('span', 'map-ramp', this.root);
      bar.style.background = `linear-gradient(to right, ${given.palette.slice(1).filter((_, at) => at % 16 === 0).join(',')})`;
      Luotuo.element('span', '', this.root, given.scale[1]);
    }

    toggle(code) {
      const hidden = this.map.hidden;
      if (!hidden.delete(code)) hidden.add(code);
      this.show();
    }

    only(code) {
      const hidden = this.map.hidden, alone = hidden.size === this.buttons.length - 1 && !hidden.has(code);
      hidden.clear();
      if (!alone) this.buttons.forEach((_, other) => { if (other !== code) hidden.add(other); });
      this.show();
    }

    show() {
      this.buttons.forEach((button, code) => button.setAttribute('aria-pressed', String(!this.map.hidden.has(code))));
      this.map.flag();
    }
  };
})();

/* What lies over the points: names of clusters that do not cover each other, lines between pairs, the lasso, the point
   under the pointer. Knows a 2-D canvas and pixels; knows nothing of the server. */
(function () {
  'use strict';
  const Luotuo = (window.Luotuo = window.Luotuo || {});
  const LINE = 18, PAD = 5; /* px */
  const SHIFTS = [[0, -1], [0, 1], [0, 0], [0, -2], [0, 2], [-0.6, 0], [0.6, 0], [-0.6, -1], [0.6, 1], [0, -3], [0, 3]];
  const MOST_LINKS = 5000;

  /** Boxes for names, in the order given: each at its place or shifted a little, left out when there is no room.
      `names` = [{text, left, top, wide}]; returns those that fit, with their final left and top (middle of the box). */
  Luotuo.placed = function (names, width, height) {
    const taken = [];
    return names.filter((name) => {
      const w = name.wide + 2 * PAD, h = LINE + 2;
      if (name.left < 0 || name.top < 0 || name.left > width || name.top > height) return false;
      for (const [right, down] of SHIFTS) {
        const left = Math.max(w / 2, Math.min(width - w / 2, name.left + right * w));
        const top = Math.max(h / 2, Math.min(height - h / 2, name.top + down * (h + 2)));
        const free = taken.every((other) => Math.abs(other.left - left) * 2 >= other.w + w || Math.abs(other.top - top) * 2 >= other.h + h);
        if (!free) continue;
        taken.push({ left, top, w, h });
        name.left = left;
        name.top = top;
        return true;
      }
      return false;
    });
  };

  /** Whether the point (x, y) lies inside a polygon [[x, y], …]. */
  Luotuo.inside = function (polygon, x, y) {
    let within = false;
    for (let at = 0, last = polygon.length - 1; at < polygon.length; last = at++) {
      const [ax, ay] = polygon[at], [bx, by] = polygon[last];
      if (ay > y !== by > y && x < ((bx - ax) * (y - ay)) / (by - ay) + ax) within = !within;
    }
    return within;
  };

  Luotuo.Overlay = class Overlay {
    constructor(canvas) {
      this.canvas = canvas;
      this.pen = canvas.getContext('2d');
    }

    begin(width, height, ratio) {
      this.width = width;
      this.height = height;
      this.pen.setTransform(ratio, 0, 0, ratio, 0, 0);
      this.pen.clearRect(0, 0, width, height);
      const style = getComputedStyle(this.canvas);
      this.ink = style.getPropertyValue('--map-ink').trim() || '#1c1917';
      this.ground = style.getPropertyValue('--map-ground').trim() || '#ffffff';
      this.family = style.fontFamily || 'sans-serif';
    }

    links(pairs, spots) {
      const pen = this.pen;
      pen.beginPath();
      for (let at = 0; at + 1 < Math.min(pairs.length, 2 * MOST_LINKS); at += 2) {
        const a = 2 * pairs[at], b = 2 * pairs[at + 1];
        pen.moveTo(spots[a], spots[a + 1]);
        pen.lineTo(spots[b], spots[b + 1]);
      }
      pen.strokeStyle = this.ink;
      pen.globalAlpha = 0.3;
      pen.lineWidth = 1.2;
      pen.stroke();
      pen.globalAlpha = 1;
    }

    /** Names at pixels; returns those that found room, with the middles of their boxes. */
    names(names) {
      const pen = this.pen;
      pen.font = `600 13px ${this.family}`;
      pen.textAlign = 'center';
      pen.textBaseline = 'middle';
      for (const name of names) name.wide = pen.measureText(name.text).width;
      const fit = Luotuo.placed(names, this.width, this.height);
      for (const name of fit) {
        pen.fillStyle = this.ground;
        pen.globalAlpha = 0.82;
        pen.beginPath();
        pen.roundRect(name.left - name.wide / 2 - PAD, name.top - LINE / 2 - 1, name.wide + 2 * PAD, LINE + 2, 6);
        pen.fill();
        pen.globalAlpha = 1;
        pen.fillStyle = this.ink;
        pen.fillText(name.text, name.left, name.top + 0.5);
      }
      return fit;
    }

    ring(left, top, radius) {
      const pen = this.pen;
      pen.beginPath();
      pen.arc(left, top, radius, 0, 2 * Math.PI);
      pen.strokeStyle = this.ink;
      pen.lineWidth = 2;
      pen.stroke();
    }

    fence(polygon) {
      const pen = this.pen;
      pen.beginPath();
      polygon.forEach(([x, y], at) => (at ? pen.lineTo(x, y) : pen.moveTo(x, y)));
      pen.closePath();
      pen.fillStyle = 'rgba(217,119,6,0.14)';
      pen.strokeStyle = '#b45309';
      pen.lineWidth = 1.5;
      pen.setLineDash([5, 4]);
      pen.fill();
      pen.stroke();
      pen.setLineDash([]);
    }
  };
})();

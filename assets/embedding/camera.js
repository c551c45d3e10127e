/* Where a point of the map lies on the screen: pan, zoom and, in three dimensions, a rotation seen orthographically.
   Knows numbers only: no canvas, no events. Points lie in −1 … 1; pixels count from the upper left corner. */
(function () {
  'use strict';
  const Luotuo = (window.Luotuo = window.Luotuo || {});
  const MARGIN = 0.9; /* share of the view that the points fill when they are fitted */
  const NEAREST = 0.2, FURTHEST = 400; /* bounds of the zoom, 1 = everything in view */

  Luotuo.Camera = class Camera {
    constructor() {
      this.dims = 2;
      this.box = { x: 0, y: 0, w: 2, h: 2 };
      this.fit();
    }

    /** Takes in new points, (n × dims) numbers in 0 … 65535, and shows all of them. */
    frame(xyz, dims) {
      const low = [65535, 65535], high = [0, 0];
      for (let at = 0; at < xyz.length; at += dims)
        for (let axis = 0; axis < 2; axis++) {
          if (xyz[at + axis] < low[axis]) low[axis] = xyz[at + axis];
          if (xyz[at + axis] > high[axis]) high[axis] = xyz[at + axis];
        }
      const unit = (value) => (value / 65535) * 2 - 1;
      const flat = dims === 2 && xyz.length;
      this.dims = dims;
      this.box = flat
        ? { x: (unit(low[0]) + unit(high[0])) / 2, y: (unit(low[1]) + unit(high[1])) / 2,
            w: Math.max(0.02, unit(high[0]) - unit(low[0])), h: Math.max(0.02, unit(high[1]) - unit(low[1])) }
        : { x: 0, y: 0, w: 2.4, h: 2.4 };
      this.fit();
    }

    fit() {
      this.x = this.box.x;
      this.y = this.box.y;
      this.zoom = 1;
      this.yaw = this.dims === 3 ? 0.5 : 0;
      this.pitch = this.dims === 3 ? 0.35 : 0;
    }

    scale(width, height) {
      return Math.min(width / this.box.w, height / this.box.h) * MARGIN * this.zoom;
    }

    /** Three rows of four numbers: pixels right, pixels down, and nearness −1 … 1, of (x, y, z, 1). */
    rows(width, height) {
      const s = this.scale(width, height), flat = this.dims === 2;
      const cy = Math.cos(this.yaw), sy = Math.sin(this.yaw), cp = Math.cos(this.pitch), sp = Math.sin(this.pitch);
      return [
        [s * cy, 0, flat ? 0 : s * sy, width / 2 - s * this.x],
        [-s * sp * sy, -s * cp, flat ? 0 : s * sp * cy, height / 2 + s * this.y],
        flat ? [0, 0, 0, 0] : [(-cp * sy) / 1.8, sp / 1.8, (cp * cy) / 1.8, 0],
      ];
    }

    pan(right, down, width, height) {
      const s = this.scale(width, height);
      this.x -= right / s;
      this.y += down / s;
    }

    turn(right, down) {
      this.yaw += right / 200;
      this.pitch = Math.max(-1.5, Math.min(1.5, this.pitch + down / 200));
    }

    /** Zooms by a factor and keeps the pixel (left, top) where it is. */
    approach(factor, left, top, width, height) {
      const before = this.scale(width, height);
      this.zoom = Math.max(NEAREST, Math.min(FURTHEST, this.zoom * factor));
      const after = this.scale(width, height);
      this.x += (left - width / 2) * (1 / before - 1 / after);
      this.y -= (top - height / 2) * (1 / before - 1 / after);
    }

    /** Pixels of all points, (n × 2) float32. `xyz` holds 0 … 65535. */
    project(xyz, dims, width, height) {
      const [a, b] = this.rows(width, height), n = xyz.length / dims, out = new Float32Array(2 * n), k = 2 / 65535;
      for (let row = 0, at = 0; row < n; row++, at += dims) {
        const x = xyz[at] * k - 1, y = xyz[at + 1] * k - 1, z = dims === 3 ? xyz[at + 2] * k - 1 : 0;
        out[2 * row] = a[0] * x + a[1] * y + a[2] * z + a[3];
        out[2 * row + 1] = b[0] * x + b[1] * y + b[2] * z + b[3];
      }
      return out;
    }
  };
})();

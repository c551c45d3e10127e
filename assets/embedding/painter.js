/* Draws points: by WebGL2 where there is one, else on a plain canvas. Knows typed arrays and pixels, no texts, no events.
   A point's flag: 0 hidden, 1 pale, 2 plain, 3 lit (larger, ringed, on top). Its code picks colour and mark. */
(function () {
  'use strict';
  const Luotuo = (window.Luotuo = window.Luotuo || {});
  const MARKS = 5; /* circle, square, diamond, triangle, cross */
  const PALE = 0.18, PLAIN = 0.88, RING = [0.86, 0.15, 0.15];

  const VERTEX = `#version 300 es
    in vec3 from; in vec3 to; in float code; in float flag; in float size;
    uniform vec4 right, down, near; uniform vec2 view; uniform float t, px; uniform bool solid, marked;
    uniform sampler2D palette;
    flat out vec4 tint; flat out int mark; flat out float wide, ring;
    void main() {
      vec4 p = vec4(mix(from, to, t) * 2.0 - 1.0, 1.0);
      float depth = dot(near, p);
      vec2 at = vec2(dot(right, p), dot(down, p)) / view;
      gl_Position = vec4(at.x * 2.0 - 1.0, 1.0 - at.y * 2.0, solid ? -depth : 0.0, 1.0);
      if (flag < 0.5) gl_Position = vec4(2.0, 2.0, 2.0, 1.0);
      ring = step(2.5, flag);
      wide = px * (1.0 + size / 255.0) * (solid ? 1.0 + 0.35 * depth : 1.0) + ring * 6.0;
      gl_PointSize = wide;
      mark = marked ? int(code) % ${MARKS} : 0;
      tint = vec4(texelFetch(palette, ivec2(int(code), 0), 0).rgb, flag < 1.5 ? ${PALE} : ring > 0.5 ? 1.0 : ${PLAIN});
    }`;
  const FRAGMENT = `#version 300 es
    precision mediump float;
    flat in vec4 tint; flat in int mark; flat in float wide, ring; uniform bool solid; out vec4 colour;
    float outside(vec2 q) {
      vec2 a = abs(q);
      if (mark == 1) return max(a.x, a.y) * 1.16;
      if (mark == 2) return (a.x + a.y) * 1.02;
      if (mark == 3) return max(a.x * 1.2 + (0.5 - q.y) * 0.5 - 0.2, q.y * 1.3);
      if (mark == 4) return max(min(a.x, a.y) * 2.6, max(a.x, a.y));
      return length(q);
    }
    void main() {
      float d = outside(gl_PointCoord * 2.0 - 1.0), soft = 2.0 / wide;
      float alpha = tint.a * (1.0 - smoothstep(1.0 - soft, 1.0, d));
      if (alpha < (solid ? 0.1 : 0.004)) discard;
      vec3 rim = ring > 0.5 ? vec3(${RING.join(', ')}) : tint.rgb * 0.72;
      float border = 1.0 - (ring > 0.5 ? 6.0 : 2.0) / wide;
      colour = vec4(mix(tint.rgb, rim, wide > 4.5 ? step(border, d) : 0.0) * alpha, alpha);
    }`;

  class Gl {
    constructor(canvas) {
      const gl = (this.gl = canvas.getContext('webgl2', { antialias: false, premultipliedAlpha: true }));
      if (!gl) throw new Error('no WebGL2');
      const made = (kind, text) => {
        const shader = gl.createShader(kind);
        gl.shaderSource(shader, text);
        gl.compileShader(shader);
        return shader;
      };
      const program = (this.program = gl.createProgram());
      gl.attachShader(program, made(gl.VERTEX_SHADER, VERTEX));
      gl.attachShader(program, made(gl.FRAGMENT_SHADER, FRAGMENT));
      gl.linkProgram(program);
      if (!gl.getProgramParameter(program, gl.LINK_STATUS)) throw new Error(gl.getProgramInfoLog(program) || 'no shader');
      gl.useProgram(program);
      gl.enable(gl.BLEND);
      gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
      this.buffers = {};
      this.uniforms = {};
      for (const name of ['right', 'down', 'near', 'view', 't', 'px', 'solid', 'marked'])
        this.uniforms[name] = gl.getUniformLocation(program, name);
      gl.bindTexture(gl.TEXTURE_2D, gl.createTexture());
      for (const [key, value] of [[gl.TEXTURE_MIN_FILTER, gl.NEAREST], [gl.TEXTURE_MAG_FILTER, gl.NEAREST]])
        gl.texParameteri(gl.TEXTURE_2D, key, value);
    }

    /** Uploads one array: from, to (uint16, dims each), code, flag, size (uint8). */
    set(name, values, dims) {
      const gl = this.gl, at = gl.getAttribLocation(this.program, name);
      gl.bindBuffer(gl.ARRAY_BUFFER, (this.buffers[name] = this.buffers[name] || gl.createBuffer()));
      gl.bufferData(gl.ARRAY_BUFFER, values, gl.STATIC_DRAW);
      gl.enableVertexAttribArray(at);
      const wide = values instanceof Uint16Array;
      gl.vertexAttribPointer(at, dims || 1, wide ? gl.UNSIGNED_SHORT : gl.UNSIGNED_BYTE, wide, 0, 0);
    }

    /** 256 colours, (256 × 4) uint8. */
    palette(values) {
      const gl = this.gl;
      gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, 256, 1, 0, gl.RGBA, gl.UNSIGNED_BYTE, values);
    }

    /** Rows that are drawn once more, on top of all others. */
    top(rows) {
      const gl = this.gl;
      gl.bindBuffer(gl.ELEMENT_ARRAY_BUFFER, (this.buffers.top = this.buffers.top || gl.createBuffer()));
      gl.bufferData(gl.ELEMENT_ARRAY_BUFFER, rows, gl.STATIC_DRAW);
      this.onTop = rows.length;
    }

    draw({ n, rows, width, height, ratio, t, px, solid, marked }) {
      const gl = this.gl, to = this.uniforms;
      gl.viewport(0, 0, gl.drawingBufferWidth, gl.drawingBufferHeight);
      gl.clearColor(0, 0, 0, 0);
      gl.clear(gl.COLOR_BUFFER_BIT | gl.DEPTH_BUFFER_BIT);
      if (solid) gl.enable(gl.DEPTH_TEST); else gl.disable(gl.DEPTH_TEST);
      for (const [name, row] of [['right', rows[0]], ['down', rows[1]], ['near', rows[2]]]) gl.uniform4fv(to[name], row);
      gl.uniform2f(to.view, width, height);
      gl.uniform1f(to.t, t);
      gl.uniform1f(to.px, px * ratio);
      gl.uniform1i(to.solid, solid ? 1 : 0);
      gl.uniform1i(to.marked, marked ? 1 : 0);
      gl.drawArrays(gl.POINTS, 0, n);
      gl.disable(gl.DEPTH_TEST);
      if (this.onTop) gl.drawElements(gl.POINTS, this.onTop, gl.UNSIGNED_INT, 0);
    }
  }

  class Plain {
    constructor(canvas) {
      this.pen = canvas.getContext('2d');
      this.held = {};
    }

    set(name, values, dims) { this.held[name] = values; if (name === 'to') this.dims = dims; }
    palette(values) { this.colours = values; }
    top(rows) { this.rows = rows; }

    draw({ n, rows, width, height, ratio, t, px, marked }) {
      const { from, to, code, flag, size } = this.held, [a, b] = rows, dims = this.dims, pen = this.pen;
      pen.setTransform(ratio, 0, 0, ratio, 0, 0);
      pen.clearRect(0, 0, width, height);
      const value = (at) => ((from[at] + (to[at] - from[at]) * t) / 65535) * 2 - 1;
      const one = (row) => {
        if (!flag[row]) return;
        const at = row * dims, x = value(at), y = value(at + 1), z = dims === 3 ? value(at + 2) : 0;
        const left = a[0] * x + a[1] * y + a[2] * z + a[3], top = b[0] * x + b[1] * y + b[2] * z + b[3];
        const lit = flag[row] > 2, radius = (px * (1 + size[row] / 255)) / 2 + (lit ? 3 : 0), c = 4 * code[row];
        pen.globalAlpha = flag[row] === 1 ? PALE : lit ? 1 : PLAIN;
        pen.fillStyle = `rgb(${this.colours[c]},${this.colours[c + 1]},${this.colours[c + 2]})`;
        if (n > 20000) return pen.fillRect(left - radius, top - radius, 2 * radius, 2 * radius);
        Luotuo.trace(pen, marked ? code[row] % MARKS : 0, left, top, radius);
        pen.fill();
        if (lit) { pen.strokeStyle = '#dc2626'; pen.lineWidth = 2.5; pen.stroke(); }
      };
      for (let row = 0; row < n; row++) one(row);
      for (const row of this.rows || []) one(row);
      pen.globalAlpha = 1;
    }
  }

  /** Traces a mark around (left, top) as a path of a 2-D canvas. */
  Luotuo.trace = function (pen, mark, left, top, r) {
    pen.beginPath();
    const corners = Luotuo.corners(mark, left, top, r);
    if (!corners) { pen.arc(left, top, r, 0, 2 * Math.PI); return; }
    corners.forEach(([x, y], at) => (at ? pen.lineTo(x, y) : pen.moveTo(x, y)));
    pen.closePath();
  };

  /** Corners of a mark, null for the circle. */
  Luotuo.corners = function (mark, x, y, r) {
    const s = 0.86 * r, t = 0.38 * r;
    if (mark === 1) return [[x - s, y - s], [x + s, y - s], [x + s, y + s], [x - s, y + s]];
    if (mark === 2) return [[x, y - r], [x + r, y], [x, y + r], [x - r, y]];
    if (mark === 3) return [[x, y - r], [x + r, y + 0.77 * r], [x - r, y + 0.77 * r]];
    if (mark === 4)
      return [[-t, -r], [t, -r], [t, -t], [r, -t], [r, t], [t, t], [t, r], [-t, r], [-t, t], [-r, t], [-r, -t], [-t, -t]]
        .map(([dx, dy]) => [x + dx, y + dy]);
    return null;
  };
  Luotuo.MARKS = MARKS;

  /** The best painter that this browser has, on `canvas` or, where that is spoilt for a plain context, on a copy of it. */
  Luotuo.painter = function (canvas) {
    try { return { painter: new Gl(canvas), canvas, kind: 'webgl' }; } catch (error) { /* then without */ }
    const plain = canvas.cloneNode(false);
    canvas.replaceWith(plain);
    return { painter: new Plain(plain), canvas: plain, kind: 'canvas' };
  };
})();

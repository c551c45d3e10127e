"""How smooth the map is: drawing 100,000 points with it against a bare typed-array scatter of the same points.

    python -m benchmarks.embedding_map [--points 100000] [--rounds 40]

Both draw in one page of headless Chromium, in turn, and each drawing is waited for by reading a pixel back. The bare
page is the least that WebGL can do: positions and colours in buffers, square points, no names, no legend, no flags.
Needs what the tests need (tests/requirements.txt) and a Chromium.
"""

import argparse
import json
import statistics

import numpy as np

from apps.embedding.export import packed
from apps.embedding.page import PARTS
from apps.embedding.payload import COLOURS, encoded
from models.assets import read
from models.strings import say

WIDTH, HEIGHT, GROUPS = 960, 600, 24
GOAL = "<= 2"
_TOOLS = "pan rotate lasso box near far fit bigger smaller picture vector tools filter".split()
_BARE = """
function bare(canvas, xy, codes, palette, px) {
  const gl = canvas.getContext('webgl2', { antialias: false, preserveDrawingBuffer: true });
  const shader = (kind, text) => {
    const made = gl.createShader(kind);
    gl.shaderSource(made, text);
    gl.compileShader(made);
    return made;
  };
  const program = gl.createProgram();
  gl.attachShader(program, shader(gl.VERTEX_SHADER, `attribute vec2 at; attribute vec3 tint; varying vec3 shown;
    uniform vec4 view; uniform float px;
    void main() { gl_Position = vec4(at * view.xy + view.zw, 0.0, 1.0); gl_PointSize = px; shown = tint; }`));
  gl.attachShader(program, shader(gl.FRAGMENT_SHADER,
    'precision mediump float; varying vec3 shown; void main() { gl_FragColor = vec4(shown, 1.0); }'));
  gl.linkProgram(program); gl.useProgram(program);
  const tints = new Uint8Array(3 * codes.length);
  codes.forEach((code, row) => tints.set(palette[code], 3 * row));
  const put = (name, data, size, kind, whole) => {
    gl.bindBuffer(gl.ARRAY_BUFFER, gl.createBuffer()); gl.bufferData(gl.ARRAY_BUFFER, data, gl.STATIC_DRAW);
    const place = gl.getAttribLocation(program, name); gl.enableVertexAttribArray(place);
    gl.vertexAttribPointer(place, size, kind, whole, 0, 0);
  };
  put('at', xy, 2, gl.UNSIGNED_SHORT, true); put('tint', tints, 3, gl.UNSIGNED_BYTE, true);
  const view = gl.getUniformLocation(program, 'view'); gl.uniform1f(gl.getUniformLocation(program, 'px'), px);
  return { gl, draw: (shift) => {
    gl.viewport(0, 0, canvas.width, canvas.height); gl.clearColor(1, 1, 1, 1); gl.clear(gl.COLOR_BUFFER_BIT);
    gl.uniform4f(view, 1.9, 1.9, -0.95 + shift, -0.95); gl.drawArrays(gl.POINTS, 0, codes.length);
  } };
}
"""
_RUN = """
async ([given, rounds]) => {
  const map = new Luotuo.Scatter(document.querySelector('.luotuo-map'), { peek() {}, pick() {} });
  map.points(given.value); map.paint(given.colour);
  await new Promise((done) => setTimeout(done, 1500));
  const codes = Luotuo.bytes(given.colour.codes);
  const part = (hex, from) => parseInt(hex.slice(from, from + 2), 16);
  const palette = given.colour.palette.map((hex) => [1, 3, 5].map((from) => part(hex, from)));
  const canvas = document.querySelector('#bare'); canvas.width = map.canvas.width; canvas.height = map.canvas.height;
  const plain = bare(canvas, Luotuo.shorts(given.value.xyz), codes, palette, given.value.px);
  const ours = map.canvas.getContext('webgl2') || map.canvas.getContext('webgl');
  const pixel = new Uint8Array(4), wait = (gl) => gl.readPixels(5, 5, 1, 1, gl.RGBA, gl.UNSIGNED_BYTE, pixel);
  const times = [[], []];
  for (let round = 0; round < rounds; round++) {
    map.camera.pan(round % 2 ? 3 : -3, 0, 960, 600);
    let start = performance.now(); map.draw(1); wait(ours); times[0].push(performance.now() - start);
    start = performance.now(); plain.draw(0.001 * (round % 2)); wait(plain.gl);
    times[1].push(performance.now() - start);
  }
  return { times, painter: map.root.dataset.painter, drawn: map.root.dataset.drawn, names: map.root.dataset.names };
}
"""


def cloud(count: int) -> tuple[np.ndarray, np.ndarray]:
    """(count, 2) positions in GROUPS heaps, (count,) the heap of each."""
    chance = np.random.default_rng(0)
    codes = chance.integers(0, GROUPS, count)
    return (chance.normal(0, 4, (GROUPS, 2))[codes] + chance.normal(0, 0.8, (count, 2))).astype(np.float32), codes


def payload(count: int) -> dict[str, object]:
    """What the tab would send for such a map, names of the heaps included."""
    positions, codes = cloud(count)
    rows = packed(positions)
    middles = [rows[codes == group].mean(axis=0) / 65535 for group in range(GROUPS)]
    spots = [{"text": f"heap {at}", "x": float(x), "y": float(y), "code": at} for at, (x, y) in enumerate(middles)]
    value = {
        "n": count, "dims": 2, "xyz": encoded(rows), "sizes": None, "px": 3, "links": None, "about": "a map",
        "words": {name: say(f"embedding.tool_{name}", "en") for name in _TOOLS},
    }  # fmt: skip
    colour = {
        "codes": encoded(codes.astype(np.uint8)), "palette": [COLOURS[at % len(COLOURS)] for at in range(GROUPS)],
        "names": [f"heap {at}" for at in range(GROUPS)], "counts": np.bincount(codes).tolist(), "spots": spots,
        "marked": False, "scale": None, "title": "",
    }  # fmt: skip
    return {"value": value, "colour": colour}


def document() -> str:
    """The page: the map's own scripts and style, a canvas for the bare one."""
    scripts = "\n".join(read("embedding", f"{part}.js") for part in PARTS if part != "page")
    style = f"{read('embedding', 'scatter.css')} .luotuo-map, .map-stage {{ width: {WIDTH}px; height: {HEIGHT}px; }}"
    return (
        f"<!doctype html><style>{style}</style><div class='luotuo-map'></div><canvas id='bare'></canvas>"
        f"<script>{scripts}{_BARE}</script>"
    )


def main() -> None:
    """Draws and prints."""
    from tests.browser.chromium import browser

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--points", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=40)
    chosen = parser.parse_args()
    with browser() as chromium:
        page = chromium.new_page(viewport={"width": 1100, "height": 1400})
        page.set_content(document())
        given = json.loads(json.dumps(payload(chosen.points)))
        found = page.evaluate(_RUN, [given, chosen.rounds])
    ours, bare = (statistics.median(times) for times in found["times"])
    assert found["drawn"] == str(chosen.points), found
    print(f"{found['drawn']} points by {found['painter']}, {found['names']} names on the map")
    print(f"{'drawing the map over a bare scatter':44}{ours / bare:8.2f}   goal {GOAL:8}{ours:.1f} ms, {bare:.1f} ms")


if __name__ == "__main__":
    main()

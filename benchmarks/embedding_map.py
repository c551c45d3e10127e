"""How smooth the map is: drawing 100,000 points with it against a bare typed-array scatter of the same points.

    python -m benchmarks.embedding_map [--points 100000] [--rounds 7]

Both are pages of a headless Chromium. The bare one knows nothing but two typed arrays, one shader and one draw call:
square opaque dots of the same size on a canvas of the same size. Both get the same bytes. Told are the milliseconds
from the request of the page until the points are on the canvas (scripts, style, names, legend and tools included on our
side), and those of a frame while the map is dragged. Every round opens both pages anew, in turn. Where there is no
graphics card the browser computes the pixels itself; the renderer is told, because such figures say how much work is
asked for, not how a screen would feel.
"""

import argparse
import json
import statistics
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from playwright.sync_api import Browser, Page

from apps.embedding.atlas import Atlas
from apps.embedding.page import PARTS
from apps.embedding.payload import by_cluster, points
from benchmarks.embedding import bare_atlas, told
from models.assets import read
from tests.browser.chromium import browser

GROUPS, FRAMES = 24, 30
STAGE = "width: 1000px; height: 640px"  # of both canvases
BARE = """
const bytes = (text) => Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
const canvas = document.querySelector('canvas'), gl = canvas.getContext('webgl2', { antialias: false });
canvas.width = 1000; canvas.height = 640;
const program = gl.createProgram();
for (const [kind, text] of [[gl.VERTEX_SHADER, `#version 300 es
  in vec2 at; in float code; uniform vec2 shift; uniform vec3 palette[PALETTE]; flat out vec3 tint;
  void main() {
    gl_Position = vec4((at * 2.0 - 1.0) * 0.9 + shift, 0.0, 1.0); gl_PointSize = SIZE.0; tint = palette[int(code)];
  }`],
  [gl.FRAGMENT_SHADER, `#version 300 es
  precision mediump float; flat in vec3 tint; out vec4 colour; void main() { colour = vec4(tint, 1.0); }`]]) {
  const shader = gl.createShader(kind);
  gl.shaderSource(shader, text); gl.compileShader(shader); gl.attachShader(program, shader);
}
gl.linkProgram(program); gl.useProgram(program);
const fill = (name, values, dims, kind, unit) => {
  const at = gl.getAttribLocation(program, name);
  gl.bindBuffer(gl.ARRAY_BUFFER, gl.createBuffer()); gl.bufferData(gl.ARRAY_BUFFER, values, gl.STATIC_DRAW);
  gl.enableVertexAttribArray(at); gl.vertexAttribPointer(at, dims, kind, unit, 0, 0);
};
fill('at', new Uint16Array(bytes(data.value.xyz).buffer), 2, gl.UNSIGNED_SHORT, true);
fill('code', bytes(data.colour.codes), 1, gl.UNSIGNED_BYTE, false);
gl.uniform3fv(gl.getUniformLocation(program, 'palette'),
  data.colour.palette.flatMap((hex) => [1, 3, 5].map((from) => parseInt(hex.slice(from, from + 2), 16) / 255)));
const shift = gl.getUniformLocation(program, 'shift');
const frame = (step) => {
  gl.uniform2f(shift, step / 500, 0); gl.clear(gl.COLOR_BUFFER_BIT); gl.drawArrays(gl.POINTS, 0, data.value.n);
};
requestAnimationFrame(() => { frame(0); end(gl); });
"""
OURS = """
const map = new Luotuo.Scatter(document.querySelector('.luotuo-map'), { peek() {}, pick() {} }), gl = map.painter.gl;
map.points(data.value);
map.paint(data.colour);
const frame = () => { map.camera.pan(1, 0, 1000, 640); map.spots = null; map.draw(); };
const wait = () => (map.root.dataset.drawn ? end(gl) : requestAnimationFrame(wait));
requestAnimationFrame(wait);
"""
# what both pages share: the data, and the moment when the last pixel is there (reading one waits for all)
HEAD = "const data = DATA; const end = (gl) => { settle(gl); window.drawn = performance.now(); };" + (
    "const settle = (gl) => gl.readPixels(0, 0, 1, 1, gl.RGBA, gl.UNSIGNED_BYTE, new Uint8Array(4));"
)
DRAG = (
    "(count) => { const begin = performance.now(); for (let at = 0; at < count; at++) { frame(at); settle(gl); }"
    " return (performance.now() - begin) / count; }"
)
RENDERER = (
    "() => { const told = gl.getExtension('WEBGL_debug_renderer_info');"
    " return gl.getParameter(told ? told.UNMASKED_RENDERER_WEBGL : gl.RENDERER); }"
)


def scattered(count: int) -> Atlas:
    """`count` seeded points in 24 clouds, each a cluster with a name."""
    random = np.random.default_rng(0)
    labels = random.integers(0, GROUPS, count).astype(np.int32)
    places = random.uniform(-0.8, 0.8, (GROUPS, 2))[labels] + random.normal(0, 0.08, (count, 2))
    atlas = bare_atlas(np.clip(places, -1, 1).astype(np.float32))
    return replace(atlas, labels=labels, names=tuple((f"骆驼{at}",) for at in range(GROUPS)), typical=((),) * GROUPS)


def documents(atlas: Atlas) -> dict[str, str]:
    """The two pages, ours and the bare one, each with everything inside."""
    value, colour = points(atlas, "zh"), by_cluster(atlas, "zh")
    head = HEAD.replace("DATA", json.dumps({"value": value, "colour": colour}))
    bare = BARE.replace("PALETTE", str(len(colour["palette"]))).replace("SIZE", str(value["px"]))
    parts = "\n".join(read("embedding", f"{part}.js") for part in PARTS if part != "page")
    style = f"{read('embedding', 'scatter.css')} .map-stage {{ {STAGE} !important }}"
    ours = f"<style>{style}</style><div class='luotuo-map'></div><script>{parts}\n{head}{OURS}</script>"
    return {"ours": ours, "bare": f"<canvas style='{STAGE}'></canvas><script>{head}{bare}</script>"}


def measured(chromium: Browser, address: str) -> tuple[float, float, str]:
    """(ms until drawn, ms of a frame, renderer) of one page, opened anew."""
    page: Page = chromium.new_page(viewport={"width": 1200, "height": 900})
    page.goto(address)
    page.wait_for_function("() => window.drawn")
    frame, renderer = page.evaluate(DRAG, FRAMES), page.evaluate(RENDERER)
    drawn: Any = page.evaluate("() => window.drawn")
    page.close()
    return float(drawn), float(frame), str(renderer)


def main() -> None:
    """Prints the ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--points", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=7)
    given = parser.parse_args()
    found: dict[str, list[tuple[float, float, str]]] = {"ours": [], "bare": []}
    with tempfile.TemporaryDirectory() as folder, browser() as chromium:
        for name, text in documents(scattered(given.points)).items():
            (Path(folder) / f"{name}.html").write_text(f"<!doctype html><meta charset=utf-8>{text}", encoding="utf-8")
        for _ in range(given.rounds + 1):  # the first of each warms the browser and is not counted
            for name, rounds in found.items():
                rounds.append(measured(chromium, (Path(folder) / f"{name}.html").as_uri()))
    print(f"renderer: {found['ours'][0][2]}")
    for at, name in enumerate(("until drawn", "a frame while dragging")):
        ours, bare = (statistics.median(one[at] for one in found[side][1:]) for side in ("ours", "bare"))
        told(f"{name}, {given.points:,} points / bare", ours / bare, "<= 2", f"{ours:.0f} / {bare:.0f} ms")


if __name__ == "__main__":
    main()

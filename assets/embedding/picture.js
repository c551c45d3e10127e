/* The map as a picture: PNG as it is seen, at twice the size; SVG with one shape per point. Made in the browser. */
(function () {
  'use strict';
  const Luotuo = (window.Luotuo = window.Luotuo || {});
  const DENSE = 2; /* picture pixels per page pixel */

  Luotuo.download = function (blob, name) {
    const link = document.createElement('a');
    link.href = URL.createObjectURL(blob);
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 2000);
  };

  Luotuo.save = function (map, kind) {
    if (kind === 'svg') Luotuo.download(new Blob([Luotuo.svg(map)], { type: 'image/svg+xml' }), 'luotuo-map.svg');
    else Luotuo.flat(map).toBlob((blob) => Luotuo.download(blob, 'luotuo-map.png'));
  };

  /** Points and names on one canvas, on the ground of the page. */
  Luotuo.flat = function (map) {
    map.draw(DENSE); /* in the same turn as the copy: a WebGL canvas forgets what it showed */
    const page = document.createElement('canvas'), pen = page.getContext('2d');
    page.width = map.canvas.width;
    page.height = map.canvas.height;
    pen.fillStyle = map.over.ground;
    pen.fillRect(0, 0, page.width, page.height);
    pen.drawImage(map.canvas, 0, 0);
    pen.drawImage(map.over.canvas, 0, 0);
    map.draw();
    return page;
  };

  const escaped = (text) => text.replace(/[&<>"]/g, (mark) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[mark]);

  Luotuo.svg = function (map) {
    const { width, height } = map.size(), spots = map.pixels(), parts = [], radius = (map.px * map.grown()) / 2;
    for (let row = 0; row < map.n; row++) {
      const x = spots[2 * row], y = spots[2 * row + 1];
      if (!map.flags[row] || x < 0 || y < 0 || x > width || y > height) continue;
      parts.push(Luotuo.shape(map, row, x, y, radius));
    }
    map.sketch();
    const names = (map.named || []).map((name) =>
      `<text x="${name.left.toFixed(1)}" y="${(name.top + 4.5).toFixed(1)}" text-anchor="middle" paint-order="stroke" stroke="${map.over.ground}" ` +
      `stroke-width="4" fill="${map.over.ink}">${escaped(name.text)}</text>`);
    const lines = map.pairs ? `<path d="${Luotuo.joins(map.pairs, spots)}" stroke="${map.over.ink}" stroke-opacity="0.3" stroke-width="1.2"/>` : '';
    return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="sans-serif" ` +
      `font-size="13" font-weight="600"><rect width="100%" height="100%" fill="${map.over.ground}"/>${lines}${parts.join('')}${names.join('')}</svg>`;
  };

  /** The lines between pairs of rows, as a path. */
  Luotuo.joins = function (pairs, spots) {
    let path = '';
    for (let at = 0; at + 1 < pairs.length; at += 2) {
      const [a, b] = [2 * pairs[at], 2 * pairs[at + 1]];
      path += `M${spots[a].toFixed(1)} ${spots[a + 1].toFixed(1)}L${spots[b].toFixed(1)} ${spots[b + 1].toFixed(1)}`;
    }
    return path;
  };

  Luotuo.shape = function (map, row, x, y, radius) {
    const code = map.codes[row], tint = map.tint, fill = (tint && tint.palette[code]) || '#808080', lit = map.flags[row] > 2;
    const corners = Luotuo.corners(tint && tint.marked ? code % Luotuo.MARKS : 0, x, y, radius);
    const look = `fill="${fill}" fill-opacity="${map.flags[row] === 1 ? 0.15 : 0.9}"${lit ? ' stroke="#dc2626" stroke-width="2.5"' : ''}`;
    return corners
      ? `<polygon points="${corners.map((corner) => corner.map((value) => value.toFixed(1)).join(',')).join(' ')}" ${look}/>`
      : `<circle cx="${x.toFixed(1)}" cy="${y.toFixed(1)}" r="${radius.toFixed(1)}" ${look}/>`;
  };
})();

/* The map in a file of its own: texts are at hand, a word lights up the texts that hold it, a selection is listed. */
(function () {
  'use strict';
  const MOST = 200; /* texts that are listed */
  const data = JSON.parse(document.getElementById('map-data').textContent);
  const list = document.getElementById('map-chosen'), find = document.getElementById('map-find');
  const dark = matchMedia('(prefers-color-scheme: dark)');
  const shade = () => document.body.classList.toggle('dark', dark.matches);
  dark.addEventListener('change', shade);
  shade();

  function listed(rows) {
    list.textContent = '';
    for (const row of rows.slice(0, MOST)) Luotuo.element('li', '', list, data.texts[row]);
  }

  const map = new Luotuo.Scatter(document.querySelector('.luotuo-map'), {
    peek: (row) => map.tip({ row, text: data.texts[row], note: data.notes[row] }),
    pick: (text) => {
      const bits = Luotuo.bytes(text);
      listed(data.texts.map((_, row) => row).filter((row) => bits[row >> 3] & (1 << (row & 7))));
    },
  });
  map.points(data.value);
  map.paint(data.colour);
  find.addEventListener('input', () => {
    const wanted = find.value.trim().toLowerCase();
    const rows = wanted ? data.texts.map((_, row) => row).filter((row) => data.texts[row].toLowerCase().includes(wanted)) : [];
    map.light(rows);
    listed(rows);
  });
})();

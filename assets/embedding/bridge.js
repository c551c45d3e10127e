/* Joins the map to a Gradio HTML component: fetches the parts when the first map comes, hands new values to the map and the
   visitor's doings back. Maps with the same `group` share one selection. Knows Gradio's `props`, `watch` and `trigger`. */
const PARTS = ['camera', 'painter', 'overlay', 'tools', 'picture', 'scatter'];
const here = (name) => new URL(name, import.meta.url).href;
let parts;

function script(name) {
  return new Promise((done, failed) => {
    const made = document.createElement('script');
    Object.assign(made, { src: here(`${name}.js`), async: false, onload: done, onerror: failed });
    document.head.appendChild(made);
  });
}

function style() {
  return new Promise((done) => {
    const link = document.createElement('link');
    Object.assign(link, { rel: 'stylesheet', href: here('scatter.css'), onload: done, onerror: done });
    document.head.appendChild(link);
  });
}

/* Gradio hands out new copies of properties whenever any of them changes. Done anew each time, the map would lose the
   visitor's zoom, filter and selection at each text that is looked at; so what says the same as before is left alone. */
const same = (one, other) => one === other || (Object(one) === one && Object(other) === other &&
  Object.keys(one).length === Object.keys(other).length && Object.keys(one).every((part) => same(one[part], other[part])));

/** Draws the component's map and keeps it up to date. */
export async function mount(element, trigger, props, watch) {
  await (parts = parts || Promise.all([style(), ...PARTS.map(script)]));
  const root = element.querySelector('.luotuo-map'), group = root.dataset.group || '';
  const chosen = (bits) => {
    trigger('pick', { bits, ms: performance.now() });
    if (group) window.dispatchEvent(new CustomEvent('luotuo-pick', { detail: { group, bits, from: root } }));
  };
  const map = (root.map = new Luotuo.Scatter(root, { peek: (row) => trigger('peek', { row }), pick: chosen }));
  window.addEventListener('luotuo-pick', ({ detail }) => {
    if (group && detail.group === group && detail.from !== root && map.n) map.choose(detail.bits, true);
  });
  const acts = {
    value: (given) => given && given.xyz && map.points(given),
    colour: (given) => map.paint(given),
    lit: (rows) => map.n && map.light(rows),
    chosen: (given) => given && map.n && map.choose(given.bits, true),
    tip: (given) => map.tip(given),
  };
  const seen = {};
  const renew = () => {
    for (const name in acts) {
      const [given, before] = [props[name], seen[name]];
      seen[name] = given;
      if (given !== before && (name === 'tip' || !same(given, before))) acts[name](given); /* a point may be looked at twice */
    }
  };
  watch(Object.keys(acts), renew);
  renew();
}

/* The role-play tab in the browser: passes on what buttons ask for (data-do), keeps the stories of this visitor, edits in
   place, uploads, filters the gallery. What things mean is decided on the server; nothing from there is trusted as code. */
const STORE = 'luotuo.haruhi.';
const SURE_MS = 3000;

function kept(name) { try { return localStorage.getItem(STORE + name) || ''; } catch (error) { return ''; } }
function keep(name, text) {
  try { localStorage.setItem(STORE + name, text); return true; } catch (error) { return false; }
}
/* The secret under which this browser's own characters are kept; no one else can name it. */
function owner() {
  const known = kept('owner');
  if (known.length >= 32) return known;
  const bytes = crypto.getRandomValues(new Uint8Array(24));
  const made = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
  return keep('owner', made) ? made : '';
}

/* Gradio draws the parts of a page one after another, in no order that can be relied on. */
function drawn(app, ...selectors) {
  return new Promise((done) => {
    const look = () => (selectors.every((part) => app.querySelector(part)) ? done() : requestAnimationFrame(look));
    look();
  });
}

export async function mount(element, trigger, upload) {
  const app = element.closest('.app');
  const find = (selector) => app.querySelector(selector);
  await drawn(app, '.speak', '.talk', '#haruhi-box', '#haruhi-live');
  const busy = () => !!find('#haruhi-box [data-testid=stop-button]');
  const ask = (what) => { if (what.do === 'open' || !busy()) trigger(what); };

  /* While an answer grows, what would change the story has to wait, and looks like it. */
  new MutationObserver(() => app.classList.toggle('answering', busy()))
    .observe(find('.speak'), { childList: true, subtree: true }); /* the box itself is drawn anew when it is unlocked */

  window.hubStory = function (text) {
    if (!text) return;
    try {
      const key = JSON.parse(text).seats[0][0];
      keep('at', key);
      find('#haruhi-live').toggleAttribute('data-full', !keep('story.' + key, text));
    } catch (error) { /* a story without a character is not worth keeping */ }
  };
  function open(key) {
    ask({ do: 'open', key: key, owner: owner(), story: key ? kept('story.' + key) : '' });
  }

  /* A button that cannot be taken back asks for a second press. */
  function sure(button) {
    if (button.dataset.sure) return true;
    const words = button.innerHTML;
    button.dataset.sure = 'yes';
    button.append(' ?');
    setTimeout(() => { if (button.isConnected) { delete button.dataset.sure; button.innerHTML = words; } }, SURE_MS);
    return false;
  }

  function edit(message, what) {
    const words = message.querySelector('[data-testid]');
    if (!words || message.querySelector('form')) return;
    const form = document.createElement('form');
    const field = document.createElement('textarea');
    field.value = words.textContent;
    field.rows = Math.min(8, 1 + Math.floor(field.value.length / 40));
    const save = document.createElement('button');
    save.textContent = '✓';
    save.setAttribute('aria-label', window.hubLang === 'en' ? 'Save' : '保存');
    const leave = document.createElement('button');
    leave.type = 'button';
    leave.textContent = '×';
    leave.setAttribute('aria-label', window.hubLang === 'en' ? 'Cancel' : '取消');
    form.append(field, save, leave);
    words.hidden = true;
    words.after(form);
    field.focus();
    function close() { form.remove(); words.hidden = false; }
    leave.addEventListener('click', close);
    field.addEventListener('keydown', (event) => {
      if (event.key === 'Escape') close();
      if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) { event.preventDefault(); form.requestSubmit(); }
    });
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      const text = field.value.trim();
      close();
      if (text && text !== words.textContent) ask({ ...what, text: text });
    });
  }

  function copy(message, button) {
    navigator.clipboard.writeText(message.querySelector('[data-testid]').textContent).then(() => {
      button.classList.add('done');
      setTimeout(() => button.classList.remove('done'), 1200);
    });
  }

  app.addEventListener('click', (event) => {
    const button = event.target.closest('button[data-do]');
    if (!button) return;
    const what = JSON.parse(button.dataset.do);
    const message = button.closest('.message');
    if (what.do === 'open') open(what.key);
    else if (what.do === 'edit') edit(message, what);
    else if (what.do === 'copy') copy(message, button);
    else if (!['clear', 'forget'].includes(what.do) || sure(button)) ask(what);
  });

  app.addEventListener('change', (event) => {
    const field = event.target;
    if (field.matches('input[type=checkbox][data-do]')) ask({ ...JSON.parse(field.dataset.do), on: field.checked });
    if (field.matches('[data-upload]') && field.files.length) { send(field.dataset.upload, [...field.files]); field.value = ''; }
  });
  async function send(kind, files) {
    const paths = [];
    for (const file of files) paths.push((await upload(file)).path);
    ask({ do: kind === 'chat' ? 'chat' : 'bring', paths: paths });
  }
  ['dragover', 'dragleave', 'drop'].forEach((name) => app.addEventListener(name, (event) => {
    const goal = event.target.closest && event.target.closest('.drop');
    if (!goal) return;
    event.preventDefault();
    goal.classList.toggle('over', name === 'dragover');
    if (name === 'drop' && event.dataTransfer.files.length) send('pack', [...event.dataTransfer.files]);
  }));

  app.addEventListener('submit', (event) => {
    const form = event.target.closest('form[data-form]');
    if (!form) return;
    event.preventDefault();
    ask({ do: form.dataset.form, fields: Object.fromEntries(new FormData(form)) });
  });
  app.addEventListener('input', (event) => {
    if (!event.target.matches('[data-filter]')) return;
    const words = event.target.value.toLowerCase().split(/\s+/).filter(Boolean);
    app.querySelectorAll('.who-card').forEach((card) => {
      card.hidden = !words.every((word) => (card.dataset.words || '').includes(word));
    });
  });
  /* Left and right turn over the alternatives of the last answer, as long as nobody is typing. */
  document.addEventListener('keydown', (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    const here = document.activeElement === document.body || app.contains(document.activeElement);
    const idle = app.offsetParent !== null && here && !document.activeElement.matches('textarea, input, select, [role=tab]');
    if (!step || !idle || event.altKey || event.ctrlKey || event.metaKey) return;
    const last = [...app.querySelectorAll('.log .message')].pop();
    const arrows = last ? last.querySelectorAll('.acts button[data-do*="swipe"]') : [];
    const arrow = arrows[step < 0 ? 0 : 1];
    if (arrow && !arrow.disabled) arrow.click();
  });

  /* The newest message stays in sight unless the visitor has scrolled up. */
  const talk = find('.talk');
  let low = true;
  talk.addEventListener('scroll', () => { low = talk.scrollHeight - talk.scrollTop - talk.clientHeight < 80; });
  new MutationObserver(() => { if (low) talk.scrollTop = talk.scrollHeight; }).observe(talk, { childList: true, subtree: true, characterData: true });

  const style = document.createElement('link');
  style.rel = 'stylesheet';
  style.href = new URL('haruhi.css', import.meta.url).href;
  style.onload = style.onerror = () => open(kept('at'));
  document.head.append(style);
}

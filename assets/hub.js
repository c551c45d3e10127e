/* The page's own behaviour: tabs in the URL, language and theme buttons, what the browser keeps, export of chats. */
(function () {
  var LIMIT = 300000; /* characters kept per component; longer texts are not kept */
  var NOTHING = { __type__: 'update' };

  function store(action) { try { return action(localStorage); } catch (error) { return null; } }
  function tabOf(url) { return new URL(url).searchParams.get('tab') || 'home'; }

  function address(tab, lang) {
    var url = new URL(location.href);
    url.searchParams.delete('__theme');
    if (tab === 'home') url.searchParams.delete('tab'); else url.searchParams.set('tab', tab);
    if (lang) url.searchParams.set('lang', lang);
    return url;
  }

  function titled() {
    var tab = document.querySelector('#hub-tabs button[role=tab][aria-selected=true]');
    var name = window.hubLang === 'en' ? 'Luotuo Hub' : '骆驼 Luotuo Hub';
    var label = tab && tabOf(location.href) !== 'home' ? tab.textContent.trim() + ' · ' : '';
    document.title = label + name;
  }

  function open(tab) {
    var button = document.getElementById('tab-' + tab + '-button');
    if (button) button.click();
    return !!button;
  }

  /* The tab of the address. Gradio draws its tabs more than once while it starts and then shows the first one again,
     so the choice is renewed until it has held for a while. */
  (function first(held) {
    var button = document.getElementById('tab-' + tabOf(location.href) + '-button');
    var there = button && button.getAttribute('aria-selected') === 'true';
    if (button && !there) button.click();
    if (there) titled();
    if (performance.now() < 60000 && held < 25) setTimeout(function () { first(there ? held + 1 : 0); }, 80);
  })(0);

  window.hubWent = function (tab) {
    if (tabOf(location.href) !== tab) history.pushState({ tab: tab }, '', address(tab));
    setTimeout(titled, 50);
  };
  window.addEventListener('popstate', function () { open(tabOf(location.href)); });

  /* Gradio reports a run that was stopped as failed, too; then the line that says so must stay. */
  var stoppedAt = -1e9;
  window.hubStopped = function () { stoppedAt = performance.now(); return []; };
  window.hubBroken = function (words) {
    if (performance.now() - stoppedAt < 4000) return [NOTHING, NOTHING, NOTHING];
    return [{ __type__: 'update', interactive: true }, { __type__: 'update', visible: false }, words];
  };

  window.hubKeep = function (slot, value) {
    var text = JSON.stringify(value);
    store(function (s) { if (text && text.length <= LIMIT) s.setItem('luotuo.' + slot, text); else s.removeItem('luotuo.' + slot); });
    return [];
  };
  window.hubKept = function (slots) {
    return slots.map(function (slot) {
      var text = store(function (s) { return s.getItem('luotuo.' + slot); });
      try { return text ? JSON.parse(text) : NOTHING; } catch (error) { return NOTHING; }
    });
  };

  function plain(content) {
    var parts = typeof content === 'string' ? [content] : content || [];
    var text = parts.map(function (part) { return typeof part === 'string' ? part : part.text || ''; }).join('');
    return new DOMParser().parseFromString(text, 'text/html').documentElement.textContent; /* as in panel.text_of */
  }
  window.hubExport = function (turns, name) {
    var who = window.hubLang === 'en' ? { user: 'You', assistant: 'Reply' } : { user: '我', assistant: '回复' };
    var text = (turns || []).map(function (turn) {
      var title = turn.metadata && turn.metadata.title;
      return title ? '> ' + title + '\n>\n' + plain(turn.content).replace(/^/gm, '> ') : '**' + who[turn.role] + '**\n\n' + plain(turn.content);
    }).join('\n\n');
    var link = document.createElement('a');
    link.href = URL.createObjectURL(new Blob([text + '\n'], { type: 'text/markdown' }));
    link.download = 'luotuo-' + name + '-' + new Date().toISOString().slice(0, 19).replace(/[T:]/g, '-') + '.md';
    link.click();
    setTimeout(function () { URL.revokeObjectURL(link.href); }, 1000);
    return [];
  };

  /* Scripts that only some parts of the page need, each fetched once. */
  var scripts = {};
  window.hubScript = function (name) {
    scripts[name] = scripts[name] || new Promise(function (done) {
      var tag = document.createElement('script');
      tag.src = 'luotuo/' + name + '.js';
      tag.onload = done;
      document.head.appendChild(tag);
    });
    return scripts[name];
  };

  document.addEventListener('click', function (event) {
    var target = event.target.closest ? event.target : null;
    if (!target) return;
    var tab = target.closest('#hub-tabs button[role=tab][data-tab-id]');
    if (tab) window.hubWent(tab.dataset.tabId);
    var link = target.closest('a[data-tab]');
    if (link && !event.ctrlKey && !event.metaKey && !event.shiftKey && open(link.dataset.tab)) event.preventDefault();
    if (target.closest('#hub-lang')) {
      var lang = window.hubLang === 'en' ? 'zh-CN' : 'en';
      location.assign(address(tabOf(location.href), lang));
    }
    if (target.closest('#hub-theme')) {
      var dark = document.body.classList.toggle('dark');
      store(function (s) { s.setItem('luotuo.theme', dark ? 'dark' : 'light'); });
    }
  }, true); /* capturing: the address is right before Gradio hears of the click */
})();

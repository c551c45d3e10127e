/* Runs before Gradio: picks the language (?lang=, the last choice, --lang, then the browser's) and the theme. */
(function () {
  function kept(key) { try { return localStorage.getItem(key); } catch (error) { return null; } }
  var url = new URL(location.href), asked = url.searchParams.get('lang');
  if (asked) try { localStorage.setItem('luotuo.lang', asked); } catch (error) { /* a frame without storage */ }
  var lang = asked || kept('luotuo.lang') || '__DEFAULT_LANG__' || navigator.language || 'zh-CN';
  lang = /^zh/i.test(lang) ? 'zh-CN' : 'en';
  Object.defineProperty(navigator, 'language', { get: function () { return lang; }, configurable: true });
  Object.defineProperty(navigator, 'languages', { get: function () { return [lang]; }, configurable: true });
  document.documentElement.lang = lang;
  window.hubLang = lang;
  var theme = kept('luotuo.theme');
  if (theme && !url.searchParams.get('__theme')) {
    url.searchParams.set('__theme', theme);
    history.replaceState(history.state, '', url);
  }
})();

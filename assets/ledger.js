/* The ledger on the home tab: what is in memory, drawn by the server; buttons of its rows; a form that adds a model. */
window.hubLedger = function (element, server) {
  server.shell({}).then(function (markup) {
    element.firstElementChild.innerHTML = markup;
    hubLedgerDrawn(element, server);
  });
};
window.hubLedgerDrawn = function (element, server) {
  var EVERY = 2000, timer = null, asking = false, drawn = '';
  var body = element.querySelector('.ledger-body'), form = element.querySelector('form');

  function show(answer) {
    if (typeof answer !== 'string' || answer === drawn || body.contains(document.activeElement) && answer.length === 0) return;
    var focused = document.activeElement && body.contains(document.activeElement) ? document.activeElement.dataset : null;
    drawn = answer;
    body.innerHTML = answer;
    if (!focused) return;
    body.querySelectorAll('button').forEach(function (button) {
      if (button.dataset.act === focused.act && button.dataset.part === focused.part) button.focus();
    });
  }

  function look() {
    clearTimeout(timer);
    if (!element.isConnected) return;
    var seen = document.visibilityState === 'visible' && element.offsetParent !== null;
    if (!seen || asking) { timer = setTimeout(look, EVERY); return; }
    asking = true;
    server.ledger({}).then(show, function () {}).finally(function () { asking = false; timer = setTimeout(look, EVERY); });
  }

  body.addEventListener('click', function (event) {
    var button = event.target.closest('button[data-act]');
    if (!button) return;
    button.disabled = true;
    server.act({ act: button.dataset.act, part: button.dataset.part }).then(look, look);
  });
  if (form) form.addEventListener('submit', function (event) {
    event.preventDefault();
    var told = form.querySelector('output'), given = { lang: window.hubLang === 'en' ? 'en' : 'zh' };
    form.querySelectorAll('input, select').forEach(function (input) { given[input.name] = input.value; });
    told.textContent = '…';
    server.add(given).then(function (answer) {
      told.textContent = answer.words || '';
      if (answer.added) form.reset();
      look();
    }, function () { told.textContent = '⚠️'; });
  });
  document.addEventListener('visibilitychange', look);
  look();
};

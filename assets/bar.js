/* The model bar of a tab: which engine answers, what loading it would cost, load and stop, a server of one's own.
   What is shown comes from the server as markup that is escaped there; the choice lives in a hidden field beside it. */
window.hubBar = function (element, server, names) {
  server.shell({}).then(function (markup) {
    element.firstElementChild.innerHTML = markup;
    hubBarDrawn(element, server, names);
  });
};
window.hubBarDrawn = function (element, server, names) {
  var EVERY = 2000, timer = null, asking = false, drawn = '', offered = '';
  var select = element.querySelector('select'), line = element.querySelector('.line'), form = element.querySelector('form');
  var load = element.querySelector('.load'), halt = element.querySelector('.halt'), own = element.querySelector('.own');
  var job = '';

  function box() { return document.querySelector('#' + names.field + ' textarea, #' + names.field + ' input'); }
  function lang() { return window.hubLang === 'en' ? 'en' : 'zh'; }
  function choice() { var field = box(); return field ? field.value : ''; }
  function choose(value) {
    var field = box();
    if (!field || field.value === value) return;
    Object.getOwnPropertyDescriptor(Object.getPrototypeOf(field), 'value').set.call(field, value);
    field.dispatchEvent(new Event('input', { bubbles: true }));
  }

  function fill(options, chosen) {
    var key = JSON.stringify(options);
    if (key !== offered) {
      offered = key;
      select.textContent = '';
      options.forEach(function (option) {
        var item = document.createElement('option');
        item.value = option[0];
        item.textContent = option[1];
        select.appendChild(item);
      });
    }
    if (select.value !== chosen && document.activeElement !== select) select.value = chosen;
  }

  function draw(answer) {
    if (!answer || !answer.options) return;
    if (answer.gone) choose('');
    fill(answer.options, answer.gone ? '' : answer.choice);
    if (answer.line !== drawn) { drawn = answer.line; line.innerHTML = answer.line; }
    load.hidden = !answer.loadable || !!answer.busy;
    halt.hidden = !answer.busy || !job;
    element.querySelector('.bar').classList.toggle('neural', answer.choice !== '');
    if (!answer.busy) job = '';
  }

  function look() {
    clearTimeout(timer);
    if (!element.isConnected) return;
    var seen = document.visibilityState === 'visible' && element.offsetParent !== null;
    if (!seen || asking) { timer = setTimeout(look, seen ? 300 : EVERY); return; }
    asking = true;
    server.look({ choice: choice(), lang: lang(), job: job }).then(draw, function () {}).finally(function () {
      asking = false;
      timer = setTimeout(look, job ? 400 : EVERY);
    });
  }

  select.addEventListener('change', function () { choose(select.value); drawn = ''; look(); });
  load.addEventListener('click', function () {
    load.hidden = true;
    server.load({ choice: choice() }).then(function (answer) { job = answer.job || ''; look(); });
  });
  halt.addEventListener('click', function () { server.halt({ job: job }).then(look); });
  own.addEventListener('click', function () {
    form.hidden = !form.hidden;
    own.setAttribute('aria-expanded', String(!form.hidden));
    if (!form.hidden) form.querySelector('input').focus();
  });
  form.addEventListener('submit', function (event) {
    event.preventDefault();
    var told = form.querySelector('output'), button = form.querySelector('button');
    button.disabled = true;
    told.textContent = '…';
    var given = { lang: lang() };
    form.querySelectorAll('input').forEach(function (input) { given[input.name] = input.value; });
    server.connect(given).then(function (answer) {
      told.textContent = answer.words || '';
      if (!answer.choice) return;
      form.querySelector('[name=key]').value = '';
      form.hidden = true;
      own.setAttribute('aria-expanded', 'false');
      choose(answer.choice);
      look();
    }, function () { told.textContent = '⚠️'; }).finally(function () { button.disabled = false; });
  });
  document.addEventListener('visibilitychange', look);
  look();
};

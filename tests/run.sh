#!/usr/bin/env bash
# Sets up what the tests need (a virtual environment, a browser, fonts) and runs them. Arguments go to pytest.
set -euo pipefail
cd "$(dirname "$0")/.."

python="${PYTHON:-python3}"
[ -x .venv/bin/python ] || "$python" -m venv .venv
.venv/bin/python -m pip install --quiet --disable-pip-version-check \
  -r requirements.txt -r tests/requirements.txt -c constraints.txt

if ! .venv/bin/python -c 'import sys; from tests.browser.chromium import system_browser; sys.exit(not system_browser())'; then
  if command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium fonts-noto-cjk fonts-noto-color-emoji >/dev/null
  else
    .venv/bin/python -m playwright install chromium
  fi
fi

.venv/bin/ruff check .
.venv/bin/ruff format --check .
.venv/bin/python -m pytest "$@"

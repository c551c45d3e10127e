"""Fixtures that start the hub as a user would, and keep tests away from the machine's own settings."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT.parent / "shared" / "data"
START_S = 120


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No proxy, no setting of the developer's reaches a test; nothing may ask a model hub."""
    for name in list(os.environ):
        if name.startswith(("LUOTUO_", "GRADIO_")) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("GRADIO_ANALYTICS_ENABLED", "False")


@pytest.fixture
def data() -> Path:
    """The folder of third-party test data; tests that need it are skipped where it is absent."""
    if not DATA.is_dir():
        pytest.skip("needs ../shared/data, which is not part of the project")
    return DATA


@dataclass(frozen=True)
class Hub:
    """A running hub: its address, its home folder and its log."""

    url: str
    home: Path
    log_path: Path

    def log(self) -> str:
        """What the server printed so far."""
        return self.log_path.read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    """`python app.py` as a user starts it; its log must hold no traceback at the end."""
    with started(["app.py", "--no-share", "--offline"], tmp_path_factory.mktemp("home")) as running:
        yield running
    assert "Traceback" not in running.log(), running.log()[-3000:]


@contextmanager
def started(command: list[str], home: Path) -> Iterator[Hub]:
    """A hub in a process of its own, up when its page answers, ended at the end."""
    log_path, port = home / "hub.log", _free_port()
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("LUOTUO_", "GRADIO_"))}
    full = [sys.executable, *command, "--port", str(port), "--home", str(home)]
    with log_path.open("w") as log:
        process = subprocess.Popen(full, cwd=ROOT, env=environment, stdout=log, stderr=subprocess.STDOUT)
    running = Hub(f"http://127.0.0.1:{port}", home, log_path)
    try:
        _wait_until_up(running, process)
        yield running
    finally:
        process.terminate()
        process.wait(20)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_until_up(running: Hub, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            urllib.request.urlopen(running.url, timeout=5).close()
            return
        except OSError:
            time.sleep(0.2)
    raise AssertionError(f"the hub did not come up: {running.log()[-3000:]}")

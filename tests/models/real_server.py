"""A real `transformers serve`, in a process of its own, whose passes through its model can be counted from outside."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

# The server as its command starts it, and one hook of torch's own that writes a byte per pass
LAUNCH = """
import os, sys
from torch.nn.modules.module import register_module_forward_pre_hook
from transformers.cli.transformers import main

tally = os.open(sys.argv.pop(), os.O_WRONLY | os.O_CREAT | os.O_APPEND)

def count(module, _):
    if type(module).__name__ == "LlamaModel":
        os.write(tally, b".")

register_module_forward_pre_hook(count)
main()
"""


class RealServer:
    """One that listens: where, and how often it went through its model so far."""

    def __init__(self, port: int, tally: Path) -> None:
        self.url, self._tally = f"http://127.0.0.1:{port}/v1", tally

    def n_passes(self) -> int:
        """Passes so far; a token is one."""
        return self._tally.stat().st_size if self._tally.is_file() else 0


@contextmanager
def transformers_serve(home: Path) -> Iterator[RealServer]:
    """The server, offline, on two threads, with the models of <home>/hub. Raises AssertionError with its log."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log, tally = home / "serve.log", home / "passes"
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "HF_HOME": str(home), "OMP_NUM_THREADS": "2"}
    options = ["serve", "--device", "cpu", "--host", "127.0.0.1", "--port", str(port)]
    with log.open("w") as file:
        command = [sys.executable, "-c", LAUNCH, *options, str(tally)]
        process = subprocess.Popen(command, env=environment, stdout=file, stderr=subprocess.STDOUT)
    try:
        _wait_for(port, process, log)
        yield RealServer(port, tally)
    finally:
        process.kill()
        process.wait(20)


def _wait_for(port: int, process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and process.poll() is None:
        with suppress(OSError):
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        time.sleep(0.2)
    raise AssertionError(log.read_text(encoding="utf-8")[-3000:])

"""Start-up cost of the hub against a bare Gradio page, as ratios of one run.

`python -m benchmarks.startup [--rounds N]` starts both in turn and prints, for each, CPU seconds and resident memory
at the first HTTP 200 and the bytes of the first HTML on the wire; then which foreign hosts a browser is sent to.
"""

import argparse
import gzip
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path

import brotli
import psutil

ROOT = Path(__file__).resolve().parent.parent
HELLO = (
    "import os, gradio as gr\n"
    "with gr.Blocks(analytics_enabled=False) as demo:\n"
    "    gr.Markdown('hello')\n"
    "demo.launch(server_port=int(os.environ['PORT']), quiet=True, ssr_mode=False)\n"
)
GOALS = {"CPU seconds": 1.3, "MiB resident": 1.2}
GOAL_HTML_KB = 40.0


@dataclass(frozen=True, slots=True)
class Start:
    """One start: CPU seconds and MiB of the process tree at the first 200, bytes of the page as sent and unpacked."""

    cpu_s: float
    rss_mib: float
    sent: int
    unpacked: int


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def fetch(port: int) -> tuple[int, int] | None:
    """(bytes on the wire, bytes unpacked) of the page, None while the server is not up."""
    request = urllib.request.Request(f"http://127.0.0.1:{port}/", headers={"Accept-Encoding": "gzip, br"})
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            body = answer.read()
            unpack = {"gzip": gzip.decompress, "br": brotli.decompress}.get(
                answer.headers.get("content-encoding", ""), bytes
            )
            return len(body), len(unpack(body))
    except OSError:
        return None


def start(command: list[str], port: int) -> tuple[Start, subprocess.Popen[bytes]]:
    """Starts a server and measures it at its first 200; the caller ends it. Raises TimeoutError after two minutes."""
    environment = {**os.environ, "PORT": str(port), "GRADIO_ANALYTICS_ENABLED": "False"}
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    tree, deadline = psutil.Process(process.pid), time.monotonic() + 120
    while time.monotonic() < deadline:
        page = fetch(port)
        if page:
            times, memory = tree.cpu_times(), tree.memory_info()
            return Start(times.user + times.system, memory.rss / 2**20, *page), process
        time.sleep(0.05)
    process.kill()
    raise TimeoutError(f"{command} did not answer")


def median(starts: list[Start]) -> Start:
    """Field by field."""
    rows = [(s.cpu_s, s.rss_mib, s.sent, s.unpacked) for s in starts]
    cpu, rss, sent, unpacked = (statistics.median(column) for column in zip(*rows, strict=True))
    return Start(cpu, rss, int(sent), int(unpacked))


def foreign_requests(port: int) -> list[str]:
    """Addresses outside the hub that a browser asks for while the page opens."""
    from tests.browser.chromium import browser

    asked: list[str] = []
    with browser() as chromium:
        page = chromium.new_page()
        page.on("request", lambda request: asked.append(request.url))
        page.goto(f"http://127.0.0.1:{port}/")
        page.wait_for_selector("#hub-tabs button[role=tab]")
        page.wait_for_timeout(2000)
    return [url for url in asked if not url.startswith((f"http://127.0.0.1:{port}/", "data:", "blob:"))]


def main() -> None:
    """Measures, prints the table, and exits with 1 when a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--no-browser", action="store_true", help="skip the look for foreign requests")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder, "hello.py")
        script.write_text(HELLO)
        measured: dict[str, list[Start]] = {"bare Gradio": [], "hub": []}
        for _ in range(options.rounds):
            for name in measured:
                port = free_port()
                hub = [sys.executable, "app.py", "--port", str(port), "--no-share", "--home", folder]
                one, process = start([sys.executable, str(script)] if name != "hub" else hub, port)
                measured[name].append(one)
                if name == "hub" and len(measured[name]) == options.rounds and not options.no_browser:
                    foreign = foreign_requests(port)
                process.kill()
                process.wait()
    bare, hub_start = median(measured["bare Gradio"]), median(measured["hub"])
    print(f"{'':14}{'CPU s':>8}{'MiB':>8}{'HTML sent':>12}{'unpacked':>10}   median of {options.rounds}")
    for name, row in (("bare Gradio", bare), ("hub", hub_start)):
        print(f"{name:14}{row.cpu_s:8.2f}{row.rss_mib:8.0f}{row.sent:12,}{row.unpacked:10,}")
    ratios = {"CPU seconds": hub_start.cpu_s / bare.cpu_s, "MiB resident": hub_start.rss_mib / bare.rss_mib}
    missed = [name for name, goal in GOALS.items() if ratios[name] > goal]
    for name, goal in GOALS.items():
        print(f"{name}: {ratios[name]:.2f} × bare (goal ≤ {goal})")
    print(f"first HTML: {hub_start.sent / 1000:.1f} kB on the wire (goal ≤ {GOAL_HTML_KB:.0f})")
    missed += ["first HTML"] if hub_start.sent / 1000 > GOAL_HTML_KB else []
    if not options.no_browser:
        print(f"foreign requests: {foreign or 'none'}")
        missed += ["foreign requests"] if foreign else []
    sys.exit(f"missed: {', '.join(missed)}" if missed else 0)


if __name__ == "__main__":
    main()

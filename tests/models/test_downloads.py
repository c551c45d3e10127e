"""Files come from a model hub whole, once, checked and continued; what goes wrong is told; a stop is a stop.

Everything runs against a stub of the hub on 127.0.0.1.
"""

import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from models import downloads
from models.downloads import Downloads, local_folder
from models.engine import GenOptions
from models.errors import BadInput, Cancelled, ModelUnavailable
from models.spec import Precision
from models.task import Task
from tests.models import tiny
from tests.models.hub_fixtures import REPO, WASTE, adapter, model, refused, same
from tests.models.stub_hub import COMMIT, PIECE, Handler, StubHub

pytest.importorskip("torch")


class Watched(Task):
    """Keeps every progress that was reported."""

    def __init__(self) -> None:
        super().__init__()
        self.notes: list[tuple[float, str]] = []

    def step(self, fraction: float, note: str = "") -> None:
        super().step(fraction, note)
        self.notes.append((self.fraction, note))


def in_thread(work: Callable[[], object]) -> Callable[[], object]:
    """Starts `work`; the answer waits for it and gives its result or its error."""
    results: list[object] = []

    def run() -> None:
        try:
            results.append(work())
        except BaseException as error:
            results.append(error)

    thread = threading.Thread(target=run)
    thread.start()

    def wait() -> object:
        thread.join(30)
        return results[0]

    return wait


def gone(name: str) -> bool:
    """Whether the download's thread ends."""
    deadline = time.monotonic() + 20
    while any(thread.name == name for thread in threading.enumerate()):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def test_a_model_is_fetched_whole_and_loads(ours: Downloads, stub: StubHub, weights: Path, tmp_path: Path) -> None:
    from huggingface_hub import snapshot_download

    from models.hf import load

    task = Watched()
    folder = ours.fetch(model(), task)
    fractions = [fraction for fraction, _ in task.notes]
    assert fractions == sorted(fractions) and fractions[-1] == 1.0 and task.note == "pool.downloading"
    fetched = {path.relative_to(folder).as_posix() for path in folder.rglob("*.*")}
    assert fetched == {path.name for path in weights.iterdir() if path.is_file()} - set(WASTE)
    assert same(folder, weights) and len(stub.names("cdn")) == len(set(stub.names("cdn"))) >= 2
    assert folder == local_folder(model(), tmp_path) == local_folder(model(revision=COMMIT), tmp_path)
    assert str(folder) == snapshot_download(REPO, cache_dir=tmp_path, local_files_only=True)
    n_asked = len(stub.asked)
    assert ours.fetch(model(), Task()) == folder == Downloads(True, cache=tmp_path).fetch(model(), Task())
    assert len(stub.asked) == n_asked
    engine = load(folder, Precision.FP32, "cpu", Task())
    try:
        options = GenOptions(max_new_tokens=4, temperature=0.0)
        assert isinstance("".join(engine.generate("骆驼", options, task=Task())), str)
    finally:
        assert engine.unload()


def test_progress_is_told_while_bytes_come(ours: Downloads, stub: StubHub) -> None:
    stub.hold_after = 2 * PIECE
    task = Watched()
    wait = in_thread(lambda: ours.fetch(model(), task))
    assert stub.held.wait(20)
    while task.fraction == 0.0:
        time.sleep(0.01)
    time.sleep(0.3)
    assert 0.0 < task.fraction < 1.0 and task.note == "pool.downloading"
    stub.gate.set()
    assert isinstance(wait(), Path) and task.fraction == 1.0


def test_a_stop_ends_it_in_the_middle_and_the_next_goes_on_from_there(
    ours: Downloads, stub: StubHub, weights: Path, tmp_path: Path
) -> None:
    stub.hold_after = 2 * PIECE
    task = Watched()
    wait = in_thread(lambda: ours.fetch(model(), task))
    assert stub.held.wait(20)
    while not any(path.stat().st_size for path in tmp_path.rglob("*.incomplete")):
        time.sleep(0.01)
    task.stop()
    assert isinstance(wait(), Cancelled)
    assert local_folder(model(), tmp_path) is None
    stub.gate.set()
    assert gone(REPO)
    kept = {path.stat().st_size for path in tmp_path.rglob("*.incomplete")}
    n_asked = len(stub.asked)
    assert kept and same(ours.fetch(model(), Task()), weights)
    ranges = {asked.range for asked in stub.asked[n_asked:] if asked.kind == "cdn"}
    assert {f"bytes={size}-" for size in kept if size} <= ranges
    assert not list(tmp_path.rglob("*.incomplete"))


def test_visitors_share_a_download_until_the_last_has_left(ours: Downloads, stub: StubHub) -> None:
    stub.hold_after = PIECE
    tasks = [Task() for _ in range(3)]
    waits = [in_thread(lambda task=task: ours.fetch(model(), task)) for task in tasks]
    assert stub.held.wait(20)
    while any(task.note != "pool.downloading" for task in tasks):
        time.sleep(0.01)
    tasks[0].stop()
    assert isinstance(waits[0](), Cancelled)
    stub.gate.set()
    assert waits[1]() == waits[2]() and isinstance(waits[1](), Path)
    assert len(stub.names("api")) == 1 and len(stub.names("cdn")) == len(set(stub.names("cdn")))
    assert gone(REPO)


def test_an_error_reaches_all_who_wait(ours: Downloads, stub: StubHub) -> None:
    asked, answer = threading.Event(), threading.Event()

    def late(handler: Handler) -> bool:
        asked.set()
        answer.wait(20)
        return refused(404, "RepoNotFound")(handler)

    stub.then("api", late)
    tasks = [Task(), Task()]
    waits = [in_thread(lambda task=task: ours.fetch(model(), task)) for task in tasks]
    assert asked.wait(20)
    while any(task.note != "pool.asking" for task in tasks):
        time.sleep(0.01)
    answer.set()
    errors = [wait() for wait in waits]
    assert [getattr(error, "code", error) for error in errors] == ["hub_repo", "hub_repo"]
    assert errors[0] is not errors[1] and len(stub.names("api")) == 1


def test_offline_asks_nobody_and_says_what_to_do(stub: StubHub, weights: Path, tmp_path: Path) -> None:
    offline = Downloads(True, cache=tmp_path, endpoint=stub.url)
    for ask in (offline.fetch, offline.fetch_config):
        with pytest.raises(ModelUnavailable) as caught:
            ask(model(), Task())
        assert caught.value.code == "weights_missing" and "offline" in caught.value.hint("en")
    assert offline.fetch(model(folder=weights), Task()) == weights
    with pytest.raises(ModelUnavailable):
        offline.fetch(model(folder=tmp_path / "nowhere"), Task())
    assert stub.asked == []


def test_only_the_configuration(ours: Downloads, stub: StubHub, tmp_path: Path) -> None:
    assert ours.fetch_config(model(), Task())["model_type"] == "qwen3"
    assert stub.names("file") == ["config.json"] and local_folder(model(), tmp_path) is None
    assert ours.fetch_config(model(), Task())["model_type"] == "qwen3" and len(stub.names("api")) == 1
    with pytest.raises(BadInput):
        ours.fetch(adapter(repo=REPO), Task())


def test_an_adapter_and_a_pickled_base(ours: Downloads, stub: StubHub, weights: Path, tmp_path: Path) -> None:
    stub.repos["camel/voice"] = tiny.adapter(tmp_path / "voice", weights, seed=1, march_2023=True)
    stub.repos["camel/old"] = tiny.checkpoint(tmp_path / "old", "gpt2", layout="sharded-bin")
    folder = ours.fetch(adapter(repo="camel/voice"), Task())
    assert {path.name for path in folder.iterdir()} == {"adapter_config.json", "adapter_model.bin"}
    assert ours.fetch_config(adapter(repo="camel/voice"), Task())["peft_type"] == "LORA"
    folder = ours.fetch(model(repo="camel/old"), Task())
    assert len(list(folder.glob("*.bin"))) == 3 and same(folder, tmp_path / "old")


def test_without_links_files_are_placed_all_the_same(
    ours: Downloads, weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_right(*_: object) -> None:
        raise OSError("a required privilege is not held by the client")

    monkeypatch.setattr(Path, "symlink_to", no_right)
    monkeypatch.setattr(downloads, "LINK_LIMIT", 10_000)
    folder = ours.fetch(model(), Task())
    assert same(folder, weights) and not any(path.is_symlink() for path in folder.iterdir())
    assert Downloads(True, cache=tmp_path).fetch(model(), Task()) == folder

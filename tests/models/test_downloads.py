"""Files come from a model hub whole, once, checked and continued; what goes wrong is told; a stop is a stop.

Everything runs against a stub of the hub on 127.0.0.1.
"""

import logging
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from models import downloads, transfer
from models.downloads import Downloads, local_folder
from models.engine import GenOptions
from models.errors import BadInput, Cancelled, DoesNotFit, HubError, ModelUnavailable
from models.modelspec import AdapterSpec, ModelSpec
from models.snapshot import needed
from models.spec import Precision
from models.task import Task
from tests.models import tiny
from tests.models.stub_hub import COMMIT, PIECE, Handler, StubHub, serving

pytest.importorskip("torch")
REPO = "camel/tiny"
TOKEN = "hf_" + "secretsecretsecret"
WASTE = ("pytorch_model.bin", "modeling_camel.py", "model.onnx", "model.Q4_K_M.gguf", "tf_model.h5", "onnx/config.json")


def model(**changed: object) -> ModelSpec:
    fields = {"key": "tiny", "title": "Tiny", "repo": REPO, "revision": "main", "licence": "Apache-2.0"}
    fields |= {"architecture": "qwen3", "n_bytes": {}, "kv_bytes_per_token": 0, "context": 0, "good_for": ("respond",)}
    return ModelSpec(**{**fields, **changed})


def adapter(**changed: object) -> AdapterSpec:
    fields = {"key": "voice", "title": "Voice", "base": "tiny", "repo": REPO, "revision": "main"}
    return AdapterSpec(**{**fields, "licence": "Apache-2.0", "n_bytes": 0, "good_for": ("respond",), **changed})


class Watched(Task):
    """Keeps every progress that was reported."""

    def __init__(self) -> None:
        super().__init__()
        self.notes: list[tuple[float, str]] = []

    def step(self, fraction: float, note: str = "") -> None:
        super().step(fraction, note)
        self.notes.append((self.fraction, note))


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny checkpoint in several shards, among files that nobody needs."""
    folder = tiny.checkpoint(tmp_path_factory.mktemp("weights"), "qwen3", layout="sharded")
    for name in WASTE:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(b"not needed")
    return folder


@pytest.fixture
def hub(weights: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[StubHub]:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(transfer, "FIRST_PAUSE_S", 0.01)
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    with serving() as stub:
        stub.repos[REPO] = weights
        yield stub


@pytest.fixture
def ours(hub: StubHub, tmp_path: Path) -> Downloads:
    return Downloads(False, cache=tmp_path, endpoint=hub.url)


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


def refused(status: int, code: str = "") -> Callable[[Handler], bool]:
    def answer(handler: Handler) -> bool:
        handler.refuse(status, code)
        return True

    return answer


def cut_short(handler: Handler) -> bool:
    handler.cut(3 * PIECE)
    return True


def spoilt(handler: Handler) -> bool:
    handler.spoil()
    return True


def gone(name: str) -> bool:
    """Whether the download's thread ends."""
    deadline = time.monotonic() + 20
    while any(thread.name == name for thread in threading.enumerate()):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def same(folder: Path, source: Path) -> bool:
    return all(path.read_bytes() == (source / path.relative_to(folder)).read_bytes() for path in folder.rglob("*.*"))


def test_a_model_is_fetched_whole_and_loads(ours: Downloads, hub: StubHub, weights: Path, tmp_path: Path) -> None:
    from huggingface_hub import snapshot_download

    from models.hf import load

    task = Watched()
    folder = ours.fetch(model(), task)
    fractions = [fraction for fraction, _ in task.notes]
    assert fractions == sorted(fractions) and fractions[-1] == 1.0 and task.note == "pool.downloading"
    fetched = {path.relative_to(folder).as_posix() for path in folder.rglob("*.*")}
    assert fetched == {path.name for path in weights.iterdir() if path.is_file()} - set(WASTE)
    assert same(folder, weights) and len(hub.names("cdn")) == len(set(hub.names("cdn"))) >= 2
    assert folder == local_folder(model(), tmp_path) == local_folder(model(revision=COMMIT), tmp_path)
    assert str(folder) == snapshot_download(REPO, cache_dir=tmp_path, local_files_only=True)
    n_asked = len(hub.asked)
    assert ours.fetch(model(), Task()) == folder == Downloads(True, cache=tmp_path).fetch(model(), Task())
    assert len(hub.asked) == n_asked
    engine = load(folder, Precision.FP32, "cpu", Task())
    try:
        options = GenOptions(max_new_tokens=4, temperature=0.0)
        assert isinstance("".join(engine.generate("骆驼", options, task=Task())), str)
    finally:
        assert engine.unload()


def test_the_token_stays_with_the_hub(ours: Downloads, hub: StubHub, caplog: pytest.LogCaptureFixture) -> None:
    hub.then("cdn", refused(403))
    with caplog.at_level(logging.DEBUG), pytest.raises(ModelUnavailable) as caught:
        ours.fetch(model(), Task())
    assert {asked.token for asked in hub.asked if asked.kind != "cdn"} == {f"Bearer {TOKEN}"}
    assert {asked.token for asked in hub.asked if asked.kind == "cdn"} == {""}
    assert TOKEN not in caplog.text and TOKEN not in str(caught.value)


def test_progress_is_told_while_bytes_come(ours: Downloads, hub: StubHub) -> None:
    hub.hold_after = 2 * PIECE
    task = Watched()
    wait = in_thread(lambda: ours.fetch(model(), task))
    assert hub.held.wait(20)
    while task.fraction == 0.0:
        time.sleep(0.01)
    time.sleep(0.3)
    assert 0.0 < task.fraction < 1.0 and task.note == "pool.downloading"
    hub.gate.set()
    assert isinstance(wait(), Path) and task.fraction == 1.0


def test_a_stop_ends_it_in_the_middle_and_the_next_goes_on_from_there(
    ours: Downloads, hub: StubHub, weights: Path, tmp_path: Path
) -> None:
    hub.hold_after = 2 * PIECE
    task = Watched()
    wait = in_thread(lambda: ours.fetch(model(), task))
    assert hub.held.wait(20)
    while not any(path.stat().st_size for path in tmp_path.rglob("*.incomplete")):
        time.sleep(0.01)
    task.stop()
    assert isinstance(wait(), Cancelled)
    assert local_folder(model(), tmp_path) is None
    hub.gate.set()
    assert gone(REPO)
    kept = {path.stat().st_size for path in tmp_path.rglob("*.incomplete")}
    n_asked = len(hub.asked)
    assert kept and same(ours.fetch(model(), Task()), weights)
    ranges = {asked.range for asked in hub.asked[n_asked:] if asked.kind == "cdn"}
    assert {f"bytes={size}-" for size in kept if size} <= ranges
    assert not list(tmp_path.rglob("*.incomplete"))


def test_visitors_share_a_download_until_the_last_has_left(ours: Downloads, hub: StubHub) -> None:
    hub.hold_after = PIECE
    tasks = [Task() for _ in range(3)]
    waits = [in_thread(lambda task=task: ours.fetch(model(), task)) for task in tasks]
    assert hub.held.wait(20)
    while any(task.note != "pool.downloading" for task in tasks):
        time.sleep(0.01)
    tasks[0].stop()
    assert isinstance(waits[0](), Cancelled)
    hub.gate.set()
    assert waits[1]() == waits[2]() and isinstance(waits[1](), Path)
    assert len(hub.names("api")) == 1 and len(hub.names("cdn")) == len(set(hub.names("cdn")))
    assert gone(REPO)


def test_an_error_reaches_all_who_wait(ours: Downloads, hub: StubHub) -> None:
    asked, answer = threading.Event(), threading.Event()

    def late(handler: Handler) -> bool:
        asked.set()
        answer.wait(20)
        return refused(404, "RepoNotFound")(handler)

    hub.then("api", late)
    tasks = [Task(), Task()]
    waits = [in_thread(lambda task=task: ours.fetch(model(), task)) for task in tasks]
    assert asked.wait(20)
    while any(task.note != "pool.asking" for task in tasks):
        time.sleep(0.01)
    answer.set()
    errors = [wait() for wait in waits]
    assert [getattr(error, "code", error) for error in errors] == ["hub_repo", "hub_repo"]
    assert errors[0] is not errors[1] and len(hub.names("api")) == 1


@pytest.mark.parametrize(
    ("kind", "status", "header", "code"),
    [
        ("api", 404, "RepoNotFound", "hub_repo"),
        ("api", 401, "RepoNotFound", "hub_repo"),  # to an asker without a token
        ("api", 401, "", "hub_token"),  # the token is not valid
        ("api", 403, "", "hub_token"),
        ("api", 404, "RevisionNotFound", "hub_revision"),
        ("file", 401, "GatedRepo", "hub_gated"),
        ("file", 403, "GatedRepo", "hub_gated"),
        ("api", 410, "", "hub_down"),
    ],
)
def test_refusals_are_told_apart(
    ours: Downloads, hub: StubHub, tmp_path: Path, kind: str, status: int, header: str, code: str
) -> None:
    hub.then(kind, *[refused(status, header)] * 4)
    with pytest.raises(ModelUnavailable) as caught:
        ours.fetch(model(), Task())
    assert caught.value.code == code and caught.value.text("zh") and caught.value.text("en")
    assert len(hub.names("api")) == 1 and local_folder(model(), tmp_path) is None
    hub.faults[kind].clear()
    assert ours.fetch(model(), Task()).is_dir()


def test_what_may_pass_is_tried_again(ours: Downloads, hub: StubHub, weights: Path) -> None:
    hub.then("api", refused(500), refused(503))
    hub.then("file", refused(429), refused(502))
    hub.then("cdn", cut_short, refused(504))
    assert same(ours.fetch(model(), Task()), weights)
    assert f"bytes={3 * PIECE}-" in {asked.range for asked in hub.asked}


def test_a_hub_that_stays_down_is_told(ours: Downloads, hub: StubHub, tmp_path: Path) -> None:
    hub.then("api", *[refused(503)] * transfer.N_TRIES)
    with pytest.raises(ModelUnavailable) as caught:
        ours.fetch(model(), Task())
    assert caught.value.code == "hub_down" and "503" in str(caught.value)
    unreachable = Downloads(False, cache=tmp_path, endpoint="http://127.0.0.1:9")
    with pytest.raises(ModelUnavailable) as caught:
        unreachable.fetch(model(), Task())
    assert caught.value.code == "hub_down"


def test_a_proxy_without_ranges_starts_over(ours: Downloads, hub: StubHub, weights: Path) -> None:
    hub.knows_ranges = False
    hub.then("cdn", cut_short)
    task = Watched()
    assert same(ours.fetch(model(), task), weights)
    assert task.fraction == 1.0


def test_bytes_that_are_not_the_promised_ones_are_thrown_away(
    ours: Downloads, hub: StubHub, weights: Path, tmp_path: Path
) -> None:
    hub.then("cdn", spoilt)
    with pytest.raises(ModelUnavailable) as caught:
        ours.fetch(model(), Task())
    assert caught.value.code == "weights_broken" and local_folder(model(), tmp_path) is None
    assert same(ours.fetch(model(), Task()), weights)


def test_a_full_disk_is_told_before_anything_is_fetched(
    ours: Downloads, hub: StubHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage("/")
    monkeypatch.setattr(downloads.shutil, "disk_usage", lambda _: usage._replace(free=downloads.SPARE_BYTES))
    with pytest.raises(DoesNotFit) as caught:
        ours.fetch(model(), Task())
    assert caught.value.code == "no_disk" and "0.3 GiB" in str(caught.value) and "0.2 GiB" in str(caught.value)
    assert hub.names("file") == []


def test_a_disk_that_fills_up_meanwhile_is_told(ours: Downloads, hub: StubHub, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(source: object, target: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(downloads.os, "replace", full)
    with pytest.raises(DoesNotFit) as caught:
        ours.fetch(model(), Task())
    assert caught.value.code == "no_disk"


def test_offline_asks_nobody_and_says_what_to_do(hub: StubHub, weights: Path, tmp_path: Path) -> None:
    offline = Downloads(True, cache=tmp_path, endpoint=hub.url)
    for ask in (offline.fetch, offline.fetch_config):
        with pytest.raises(ModelUnavailable) as caught:
            ask(model(), Task())
        assert caught.value.code == "weights_missing" and "offline" in caught.value.hint("en")
    assert offline.fetch(model(folder=weights), Task()) == weights
    with pytest.raises(ModelUnavailable):
        offline.fetch(model(folder=tmp_path / "nowhere"), Task())
    assert hub.asked == []


def test_only_the_configuration(ours: Downloads, hub: StubHub, tmp_path: Path) -> None:
    assert ours.fetch_config(model(), Task())["model_type"] == "qwen3"
    assert hub.names("file") == ["config.json"] and local_folder(model(), tmp_path) is None
    assert ours.fetch_config(model(), Task())["model_type"] == "qwen3" and len(hub.names("api")) == 1
    with pytest.raises(BadInput):
        ours.fetch(adapter(repo=REPO), Task())


def test_an_adapter_and_a_pickled_base(ours: Downloads, hub: StubHub, weights: Path, tmp_path: Path) -> None:
    hub.repos["camel/voice"] = tiny.adapter(tmp_path / "voice", weights, seed=1, march_2023=True)
    hub.repos["camel/old"] = tiny.checkpoint(tmp_path / "old", "gpt2", layout="sharded-bin")
    folder = ours.fetch(adapter(repo="camel/voice"), Task())
    assert {path.name for path in folder.iterdir()} == {"adapter_config.json", "adapter_model.bin"}
    assert ours.fetch_config(adapter(repo="camel/voice"), Task())["peft_type"] == "LORA"
    folder = ours.fetch(model(repo="camel/old"), Task())
    assert len(list(folder.glob("*.bin"))) == 3 and same(folder, tmp_path / "old")


def test_a_repository_of_other_formats_has_no_weights(ours: Downloads, hub: StubHub, tmp_path: Path) -> None:
    (tmp_path / "gguf").mkdir()
    for name in ("config.json", "model.gguf", "tokenizer.json"):
        (tmp_path / "gguf" / name).write_text("{}")
    hub.repos["camel/gguf"] = tmp_path / "gguf"
    with pytest.raises(HubError) as caught:
        ours.fetch(model(repo="camel/gguf"), Task())
    assert caught.value.code == "weights_missing" and hub.names("file") == []


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


ENCODER = """modules.json config.json config_sentence_transformers.json sentence_bert_config.json vocab.txt
tokenizer_config.json 1_Pooling/config.json 2_Dense/config.json 2_Dense/model.safetensors model.safetensors""".split()


def test_what_is_needed_of_an_encoder() -> None:
    rest = [
        "2_Dense/pytorch_model.bin",
        "pytorch_model.bin",
        "colbert_linear.pt",
        "onnx/model.onnx",
        "x.py",
        "README.md",
    ]
    rest += ["openvino/config.json", "../config.json", "1_Pooling/evil.py", "model.fp16.safetensors", "tf_model.h5"]
    assert set(needed(model(), [*ENCODER, *rest])) == set(ENCODER)
    pickled = ["config.json", "pytorch_model-00001-of-00002.bin", "pytorch_model-00002-of-00002.bin"]
    assert set(needed(model(), [*pickled, "pytorch_model.bin.index.json", "flax_model.msgpack"])) >= set(pickled)


def test_a_snapshot_counts_when_it_is_whole(weights: Path, tmp_path: Path) -> None:
    cache = tiny.hub_cache(tmp_path, _only(weights, tmp_path / "plain"), REPO)
    folder = local_folder(model(), cache)
    assert folder is not None and local_folder(model(revision="v2"), cache) is None
    essential = {"config.json", "tokenizer.json", *(path.name for path in folder.glob("*.safetensors"))}
    for path in list(folder.iterdir()):
        hidden = path.rename(path.with_name(path.name + ".hidden"))
        whole = local_folder(model(), cache) is not None
        assert whole == (path.name not in essential | {"model.safetensors.index.json"}), path.name
        hidden.rename(path)


def test_an_encoder_counts_when_all_its_modules_are_there(weights: Path, tmp_path: Path) -> None:
    plain = _only(weights, tmp_path / "plain")
    folder = next(tiny.hub_cache(tmp_path, plain, REPO).glob("models--*/snapshots/*"))
    rows = ["", "1_Pooling", "2_Dense", "3_Normalize"]
    kinds = ["Transformer", "Pooling", "Dense", "Normalize"]
    table = [f'{{"path": "{path}", "type": "models.{kind}"}}' for path, kind in zip(rows, kinds, strict=True)]
    (folder / "modules.json").write_text(f"[{', '.join(table)}]")
    parts = [folder / "1_Pooling/config.json", folder / "2_Dense/config.json", folder / "2_Dense/model.safetensors"]
    for part in parts:
        assert local_folder(model(), tmp_path) is None
        part.parent.mkdir(exist_ok=True)
        part.write_text("{}")
    assert local_folder(model(), tmp_path) == folder
    (folder / "modules.json").write_text("[")
    assert local_folder(model(), tmp_path) is None


def _only(source: Path, target: Path) -> Path:
    """A copy without the files that nobody needs."""
    return Path(shutil.copytree(source, target, ignore=shutil.ignore_patterns(*WASTE, "onnx")))

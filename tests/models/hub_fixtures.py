"""What the tests of downloads share: rows, a checkpoint among files that nobody needs, the stub, and its faults."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from models import transfer
from models.downloads import Downloads
from models.modelspec import AdapterSpec, ModelSpec
from tests.models import tiny
from tests.models.stub_hub import PIECE, Handler, StubHub, serving

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


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny checkpoint in several shards, among files that nobody needs."""
    folder = tiny.checkpoint(tmp_path_factory.mktemp("weights"), "qwen3", layout="sharded")
    for name in WASTE:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(b"not needed")
    return folder


@pytest.fixture
def stub(weights: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[StubHub]:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(transfer, "FIRST_PAUSE_S", 0.01)
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    with serving() as stub:
        stub.repos[REPO] = weights
        yield stub


@pytest.fixture
def ours(stub: StubHub, tmp_path: Path) -> Downloads:
    return Downloads(False, cache=tmp_path, endpoint=stub.url)


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


def same(folder: Path, source: Path) -> bool:
    return all(path.read_bytes() == (source / path.relative_to(folder)).read_bytes() for path in folder.rglob("*.*"))


def only_needed(source: Path, target: Path) -> Path:
    """A copy without the files that nobody needs."""
    return Path(shutil.copytree(source, target, ignore=shutil.ignore_patterns(*WASTE, "onnx")))

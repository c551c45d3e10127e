"""Tiny checkpoints that several test modules load, and the stub of the model hub (tests/models/hub_fixtures.py)."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.models import tiny_embedders
from tests.models.hub_fixtures import ours, stub, weights

__all__ = ["embedder_folder", "one_thread", "ours", "stub", "weights"]


@pytest.fixture(scope="session")
def embedder_folder(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The folder of a tiny embedder: one of tiny_embedders.KINDS, or luotuo. Not to be changed."""
    made: dict[str, Path] = {}

    def make(kind: str) -> Path:
        if kind not in made:
            home = tmp_path_factory.mktemp(kind)
            made[kind] = tiny_embedders.luotuo(home) if kind == "luotuo" else tiny_embedders.embedder(home, kind)
        return made[kind]

    return make


@pytest.fixture(scope="module")
def one_thread() -> Iterator[None]:
    """torch computes with one thread while the tests of a module run: tiny models are slower with more."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)

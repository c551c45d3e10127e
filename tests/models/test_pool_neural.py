"""The pool with the real libraries: tiny checkpoints in a home folder, as a hub finds them, without a network.

What a visitor's choice leads to: a voice that writes what the model alone writes, adapters side by side, an embedder,
bytes on the ledger, and nothing left when it is gone.
"""

import gc
import warnings
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from models import Task, encoder, instance, voice
from models.engine import GenOptions, Message
from models.errors import ModelUnavailable, UnknownModel
from models.plan import Part
from models.spec import Precision
from models.standing import options, rows, standing, totals
from tests.models import tiny

GREEDY = GenOptions(max_new_tokens=8, temperature=0.0)
SAID = [Message("user", "骆驼住在哪里？")]


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny base, two adapters of it, and another base."""
    root = tmp_path_factory.mktemp("weights")
    tiny.checkpoint(root / "base", "qwen2")
    for seed in (1, 2):
        tiny.adapter(root / f"voice{seed}", root / "base", seed=seed)
    tiny.checkpoint(root / "other", "gpt2", layout="sharded-bin", seed=5)
    return root


@pytest.fixture
def home(tmp_path: Path, folders: Path, embedder_folder: Callable[[str], Path]) -> Iterator[Path]:
    """A hub's home with these rows; the pool is empty before and after."""
    lines = [f'[models.{name}]\nfolder = "{folders / name}"' for name in ("base", "other")]
    lines += [f'[adapters.voice{n}]\nfolder = "{folders / f"voice{n}"}"\nbase = "base"' for n in (1, 2)]
    lines += [f'[models.bge]\nfolder = "{embedder_folder("bert")}"\nrole = "embed"']
    (tmp_path / "models.toml").write_text("\n".join(lines), encoding="utf-8")
    instance.configure(instance.Settings(home=tmp_path, offline=True, precision="fp32"))
    yield tmp_path
    instance.pool().close()
    assert rows() == ()
    instance.configure(instance.Settings())


def text_of(choice: str) -> str:
    with voice(choice, Task()) as held:
        return "".join(held.generate(SAID, GREEDY, task=Task()))


def alone(folder: Path, adapter: Path | None = None) -> str:
    """What transformers and PEFT write without this hub."""
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, AutoTokenizer

    words = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    if adapter is not None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # peft asks for a property that is on its way out
            model = PeftModel.from_pretrained(model, adapter).eval()
    chat = [{"role": "user", "content": SAID[0].text}]
    ids = words.apply_chat_template(chat, add_generation_prompt=True, return_tensors="pt", return_dict=True)
    out = model.generate(**ids, max_new_tokens=8, do_sample=False)
    return words.decode(out[0, ids["input_ids"].shape[1] :], skip_special_tokens=True).replace("\ufffd", "")


def test_a_choice_speaks_as_the_model_and_its_adapter_do_alone(home: Path, folders: Path) -> None:
    assert text_of("base") == alone(folders / "base")
    assert text_of("base+voice1") == alone(folders / "base", folders / "voice1") != text_of("base")
    assert {row.part for row in rows()} == {Part("base", "fp32"), Part("base", "fp32", "voice1")}
    assert totals().metrics["loads"] == 2


def test_columns_write_what_each_writes_alone(home: Path) -> None:
    alone = [text_of(choice) for choice in ("base", "base+voice1", "base+voice2")]
    with instance.columns("base", ["", "voice1", "voice2"], Task()) as held:
        assert [origin.adapter for origin in held.origins] == ["", "voice1", "voice2"]
        assert len({origin.fingerprint for origin in held.origins}) == 3
        texts = ["", "", ""]
        for column, delta in held.columns(SAID, GREEDY, task=Task()):
            texts[column] += delta
    assert texts == alone and len(set(texts)) == 3


def test_a_voice_that_is_let_go_stops_what_it_had_begun(home: Path) -> None:
    with voice("base", Task()) as held:
        stream = held.generate(SAID, GenOptions(max_new_tokens=200, temperature=0.0, end_loops=False), task=Task())
        next(stream)
    assert stream.finish == "cancelled"  # type: ignore[attr-defined]
    assert all(not row.n_holders for row in rows())


def test_bytes_are_told_before_and_held_after(home: Path) -> None:
    before = {choice: standing(choice) for choice in ("base", "other")}
    assert {now.state for now in before.values()} == {"room"}
    for choice, told in before.items():
        text_of(choice)
        now = standing(choice)
        assert now.state == "ready" and now.n_bytes <= told.n_bytes <= 1.02 * now.n_bytes


def test_an_unloaded_model_is_gone(home: Path) -> None:
    with instance.pool().lease("base", Task(), adapter="voice1") as lease:
        alive = weakref.ref(lease.engine._model)
    instance.pool().unload(Part("base", "fp32"))
    instance.pool().close()
    gc.collect()
    assert alive() is None and totals().lost == 0


def test_an_embedder_is_a_choice_too(home: Path) -> None:
    with encoder("bge", Task()) as held:
        vectors = held.embed(["骆驼", "沙漠里的船", ""], Task())
        assert vectors.shape == (3, held.dim) and held.key == "bge"
        assert abs(float((vectors[0] ** 2).sum()) - 1) < 1e-5 and not vectors[2].any()
    assert [row.part.model for row in rows()] == ["bge"]


def test_the_int8_base_is_quantised_once_and_shared(tmp_path: Path, home: Path) -> None:
    instance.configure(instance.Settings(home=home, offline=True, precision="int8"))
    first = text_of("base")
    part = Part("base", Precision.INT8.value)
    assert rows()[0].part == part and (home / "cache" / "int8").is_dir()
    entries = {path: path.stat().st_mtime_ns for path in (home / "cache" / "int8").glob("*/*.safetensors")}
    instance.pool().close()
    assert text_of("base") == first and entries
    assert entries == {path: path.stat().st_mtime_ns for path in (home / "cache" / "int8").glob("*/*.safetensors")}


def test_the_menu_lists_what_can_be_chosen(home: Path) -> None:
    listed = {option.choice: option for option in options("respond")}
    assert listed["base"].where == "disk" and listed["base+voice1"].where == "disk"
    assert listed["qwen3-4b"].where == "hub" and "bge" not in listed
    assert {option.choice for option in options("embed")} >= {"bge", "bge-small-zh"}


def test_what_is_not_here_is_told_and_costs_nothing(home: Path) -> None:
    with pytest.raises(ModelUnavailable), voice("qwen2.5-0.5b", Task()):
        pass
    with pytest.raises(UnknownModel), voice("visitor.nobody", Task()):
        pass
    assert rows() == ()


def test_a_row_that_was_added_is_there_after_a_restart(home: Path, folders: Path) -> None:
    from models.rows import row

    fields = {"folder": str(folders / "base")}
    instance.add("models", row("models", "again", fields), fields)
    instance.configure(instance.Settings(home=home, offline=True, precision="fp32", idle_s=99.0))
    assert "again" in instance.pool().catalogue.models and text_of("again") == text_of("base")

"""Adapters on one base: each answers as PEFT alone would let it, whoever else writes at the same time; what does not
belong on the base is refused and leaves no trace."""

import contextlib
import itertools
import json
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from models.batching import Forward
from models.decoding import visible
from models.engine import GenOptions, Message
from models.errors import Busy, ModelUnavailable
from models.hf import HFModel, load
from models.lora import Selection, Turn
from models.spec import Precision
from models.task import Task
from tests.models import tiny

torch = pytest.importorskip("torch")
KEYS = ("camel.a", "camel.b", "camel.c", "camel.d")
GREEDY = GenOptions(max_new_tokens=8, temperature=0.0)
PROMPTS = ["骆驼" * (1 + 3 * at) + "去哪里？" for at in range(5)]


@pytest.fixture(autouse=True, scope="module")
def _few_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str | None, Path]:
    home = tmp_path_factory.mktemp("llama")
    made: dict[str | None, Path] = {None: tiny.checkpoint(home / "base", "llama")}
    for seed, key in enumerate(KEYS):
        targets = ["q_proj", "v_proj"] if seed == 3 else None
        made[key] = tiny.adapter(home / key, made[None], seed=seed, targets=targets, march_2023=seed % 2 == 1)
    return made


@pytest.fixture(scope="module", params=tiny.DEVICES)
def camel(request: pytest.FixtureRequest, folders: dict[str | None, Path]) -> Iterator[HFModel]:
    model = load(folders[None], Precision.FP32, request.param, Task())
    for key in KEYS:
        model.add_adapter(key, folders[key])
    yield model
    assert model.unload()


def ask(model: HFModel, text: str, adapter: str | None, options: GenOptions = GREEDY) -> str:
    return "".join(model.generate([Message("user", text)], options, adapter=adapter, task=Task()))


@pytest.fixture(scope="module")
def alone(camel: HFModel) -> dict[tuple[str, str | None], str]:
    """What every prompt is answered by every adapter, one request after the other."""
    answers = {(text, key): ask(camel, text, key) for text in PROMPTS for key in (None, *KEYS)}
    assert len(set(answers.values())) == len(answers)  # else a wrong adapter could not be noticed
    return answers


def by_peft(base: Path, adapter: Path, prompt: str, n_tokens: int) -> str:
    """The answer by PEFT's own classes, on a copy of the base of its own."""
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, AutoTokenizer

    own = AutoModelForCausalLM.from_pretrained(base, local_files_only=True)
    words = AutoTokenizer.from_pretrained(base, local_files_only=True)
    model = PeftModel.from_pretrained(own, adapter).eval()
    ids = words(prompt, return_tensors="pt", add_special_tokens=False)["input_ids"]
    settings: dict[str, Any] = {"attention_mask": torch.ones_like(ids), "pad_token_id": 0, "do_sample": False}
    out = model.generate(input_ids=ids, max_new_tokens=n_tokens, **settings)
    return visible(words.decode(out[0, ids.shape[1] :], skip_special_tokens=True))


@pytest.mark.filterwarnings("ignore:Unexpected keyword arguments:UserWarning", "ignore::FutureWarning")
@pytest.mark.parametrize("architecture", tiny.ARCHITECTURES)
def test_an_adapter_answers_as_peft_alone_would_let_it(architecture: str, tmp_path: Path) -> None:
    base = tiny.checkpoint(tmp_path / "base", architecture)
    adapters = {f"x.{n}": tiny.adapter(tmp_path / f"x{n}", base, seed=n) for n in range(2)}
    model = load(base, Precision.FP32, "cpu", Task())
    before = ask(model, PROMPTS[1], None)
    prompt = model.final_prompt([Message("user", PROMPTS[1])], GREEDY).text
    for key, folder in adapters.items():
        model.add_adapter(key, folder)
        assert ask(model, PROMPTS[1], key) == by_peft(base, folder, prompt, GREEDY.max_new_tokens) != before
    assert ask(model, PROMPTS[1], None) == before
    assert model.unload()


def crowd(model: HFModel, alone: dict[tuple[str, str | None], str], n: int) -> int:
    """How many of n visitors, all at once, got another answer than they would have got alone."""
    wanted = list(itertools.islice(itertools.cycle(alone), n))
    wrong: list[tuple[str, str | None]] = []

    def visit(part: Sequence[tuple[str, str | None]]) -> None:
        for text, key in part:
            try:
                if ask(model, text, key) != alone[text, key]:
                    wrong.append((text, key))
            except RuntimeError:
                wrong.append((text, key))

    threads = [threading.Thread(target=visit, args=(wanted[at::20],)) for at in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    return len(wrong)


def test_two_hundred_mixed_requests_and_none_is_wrong(
    camel: HFModel, alone: dict[tuple[str, str | None], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    weights = {name: tensor.clone() for name, tensor in camel._model.state_dict().items()}
    assert crowd(camel, alone, 220) == 0
    after = camel._model.state_dict()
    assert all(torch.equal(tensor, after[name]) for name, tensor in weights.items())  # nothing was merged

    guarded = Selection.use
    monkeypatch.setattr(Selection, "use", lambda self, names: guarded(self, [names[0]] * len(names)))
    assert crowd(camel, alone, 60) > 10  # without row-wise selection this test would have seen it


def steps(forward: Forward, ids: Sequence[int], adapter: str | None, n_tokens: int) -> list[int]:
    """A request that steps the shared model from its own thread, with its own cache."""
    from transformers import DynamicCache

    cache, written = DynamicCache(), list(ids)
    with torch.inference_mode():
        while len(written) < len(ids) + n_tokens:
            done = cache.get_seq_length()
            new = torch.tensor([written[done:]], device=forward.device)
            positions = torch.arange(done, len(written), device=forward.device)[None]
            written.append(int(forward(new, None, positions, cache, [adapter])[0, -1].argmax()))
    return written[len(ids) :]


def race(forward: Forward, wanted: Sequence[tuple[list[int], str | None, list[int]]]) -> int:
    wrong: list[int] = []

    def visit(part: Sequence[tuple[list[int], str | None, list[int]]]) -> None:
        for ids, adapter, expected in part:
            try:
                wrong.extend([1] * (steps(forward, ids, adapter, len(expected)) != expected))
            except (RuntimeError, KeyError):
                wrong.append(1)

    threads = [threading.Thread(target=visit, args=(wanted[at::8],)) for at in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    return len(wrong)


def test_threads_that_step_the_model_themselves_are_kept_apart_by_the_turn(
    camel: HFModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    forward, names = camel._forward, [None, *(adapter.name for adapter in camel.adapters)]
    prompts = [[5 + at, 60, 7 * at + 3] for at in range(4)]
    known = [(ids, name, steps(forward, ids, name, 4)) for ids in prompts for name in names]
    wanted = list(itertools.islice(itertools.cycle(known), 208))
    assert race(forward, wanted) == 0

    # the same without the guard, with a pause in which another thread gets in
    monkeypatch.setattr(forward.selection, "turn", contextlib.nullcontext())
    hook = camel._model.model.layers[0].register_forward_hook(lambda *_: time.sleep(0.0005))
    try:
        assert race(forward, wanted[:48]) > 5
    finally:
        hook.remove()


def test_the_turn_goes_round_in_the_order_of_asking() -> None:
    turn, order = Turn(), []

    def visit(at: int) -> None:
        with turn:
            order.append(at)

    with turn:
        threads = [threading.Thread(target=visit, args=(at,)) for at in range(6)]
        for at, thread in enumerate(threads, 1):
            thread.start()
            while len(turn._waiting) < at:
                time.sleep(0.001)
        assert order == []
    for thread in threads:
        thread.join(5)
    assert order == list(range(6))


def test_switching_takes_less_than_a_millisecond(camel: HFModel) -> None:
    names = [adapter.name for adapter in camel.adapters]
    started = time.process_time()
    for at in range(200):
        with camel._forward.selection.use([names[at % 4]]):
            pass
    assert (time.process_time() - started) / 200 < 0.001


def test_columns_are_what_each_would_be_alone(camel: HFModel, alone: dict[tuple[str, str | None], str]) -> None:
    shown, seen = [""] * 4, []
    before = camel._forward.n_calls
    adapters = [None, "camel.a", "camel.c", "camel.d"]
    with camel.compare([Message("user", PROMPTS[2])], GREEDY, adapters, task=Task()) as columns:
        for column, delta in columns:
            shown[column] += delta
            seen.append(column)
    assert shown == [alone[PROMPTS[2], key] for key in adapters]
    assert camel._forward.n_calls - before == GREEDY.max_new_tokens  # one batched decode
    assert sorted(seen) != seen  # side by side


def test_an_int8_base_keeps_its_answers_and_its_weights(folders: dict[str | None, Path]) -> None:
    model = load(folders[None], Precision.INT8, "cpu", Task())
    before = ask(model, PROMPTS[0], None)
    answers = {}
    for key in KEYS[:2]:
        model.add_adapter(key, folders[key])
        answers[key] = ask(model, PROMPTS[0], key)
    assert len({before, *answers.values()}) == 3
    assert ask(model, PROMPTS[0], None) == before
    assert model.unload()


def test_fingerprint_and_bytes_tell_adapters_apart(camel: HFModel, folders: dict[str | None, Path]) -> None:
    found = {adapter.key: adapter for adapter in camel.adapters}
    assert len({adapter.fingerprint for adapter in found.values()}) == 4
    assert all(len(adapter.fingerprint) == 12 for adapter in found.values())
    assert found["camel.d"].n_bytes < found["camel.a"].n_bytes
    assert camel.add_adapter("camel.a", folders["camel.a"]) == found["camel.a"]  # once, however often asked for
    with pytest.raises(ModelUnavailable):
        camel.generate("骆驼", GREEDY, adapter="camel.x", task=Task())


def test_the_same_weights_have_one_fingerprint_in_any_file(folders: dict[str | None, Path], tmp_path: Path) -> None:
    from models.adapters import fingerprint, read_tensors

    new = tiny.adapter(tmp_path / "new", folders[None] or tmp_path, seed=1)
    assert fingerprint(read_tensors(new, "")) == fingerprint(read_tensors(folders["camel.b"] or tmp_path, ""))


def test_an_adapter_leaves_when_nobody_uses_it(folders: dict[str | None, Path]) -> None:
    model = load(folders[None], Precision.FP32, "cpu", Task())
    before = sum(p.numel() for p in model._model.parameters())
    model.add_adapter("x", folders["camel.a"])
    model.add_adapter("y", folders["camel.b"])
    endless = GenOptions(max_new_tokens=200, temperature=0.0, end_loops=False)
    stream = model.generate("骆驼", endless, adapter="x", task=Task())
    next(stream)
    with pytest.raises(Busy):
        model.remove_adapter("x")
    stream.close()
    other = ask(model, PROMPTS[0], "y")
    model.remove_adapter("x")
    assert ask(model, PROMPTS[0], "y") == other
    model.remove_adapter("y")
    assert sum(p.numel() for p in model._model.parameters()) == before
    model.add_adapter("x", folders["camel.c"])  # the name is free again
    assert model.unload()


def edited(folder: Path, target: Path, change: Callable[[dict[str, Any], dict[str, Any]], None]) -> Path:
    """A copy of an adapter with its config and its tensors changed."""
    from safetensors.torch import load_file, save_file

    target.mkdir()
    config = json.loads((folder / "adapter_config.json").read_text())
    tensors = load_file(folder / "adapter_model.safetensors")
    change(config, tensors)
    save_file(tensors, target / "adapter_model.safetensors")
    (target / "adapter_config.json").write_text(json.dumps(config))
    return target


def _zero(_: dict[str, Any], tensors: dict[str, Any]) -> None:
    for name in tensors:
        tensors[name] *= 0.0 if "lora_B" in name else 1.0


def _foreign_layer(_: dict[str, Any], tensors: dict[str, Any]) -> None:
    for name in [name for name in tensors if ".layers.1." in name]:
        tensors[name.replace(".layers.1.", ".layers.7.")] = tensors.pop(name)


def _other_width(_: dict[str, Any], tensors: dict[str, Any]) -> None:
    for name in [name for name in tensors if "lora_A" in name]:
        tensors[name] = torch.ones(4, 96)


def _half(_: dict[str, Any], tensors: dict[str, Any]) -> None:
    del tensors[next(name for name in tensors if "lora_B" in name)]


def _unused_target(config: dict[str, Any], _: dict[str, Any]) -> None:
    config["target_modules"] = [*config["target_modules"], "lm_head"]


def _dora(config: dict[str, Any], _: dict[str, Any]) -> None:
    config["use_dora"] = True


def _merged_linear(config: dict[str, Any], _: dict[str, Any]) -> None:
    config["enable_lora"] = [True, False, True]


def _convolution(_: dict[str, Any], tensors: dict[str, Any]) -> None:
    for name in [name for name in tensors if "lora_B" in name]:
        tensors[name] = tensors[name][..., None]


def _extra_tensor(_: dict[str, Any], tensors: dict[str, Any]) -> None:
    tensors["base_model.model.lm_head.weight"] = torch.ones(3, 3)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (_zero, "adapter_zero"),
        (_foreign_layer, "adapter_mismatch"),
        (_other_width, "adapter_mismatch"),
        (_half, "adapter_mismatch"),
        (_unused_target, "adapter_mismatch"),
        (_dora, "adapter_kind"),
        (_merged_linear, "adapter_merged"),
        (_convolution, "adapter_merged"),
        (_extra_tensor, "adapter_kind"),
    ],
)
def test_what_does_not_belong_is_refused_and_leaves_no_trace(
    change: Callable[[dict[str, Any], dict[str, Any]], None],
    code: str,
    camel: HFModel,
    folders: dict[str | None, Path],
    tmp_path: Path,
) -> None:
    n_parameters = sum(1 for _ in camel._model.parameters())
    bad = edited(folders["camel.a"], tmp_path / "bad", change)
    with pytest.raises(ModelUnavailable) as refused:
        camel.add_adapter("bad", bad)
    assert refused.value.code == code
    assert sum(1 for _ in camel._model.parameters()) == n_parameters
    assert "bad" not in {adapter.key for adapter in camel.adapters}


def test_missing_and_damaged_files_are_told(camel: HFModel, folders: dict[str | None, Path], tmp_path: Path) -> None:
    bad = edited(folders["camel.a"], tmp_path / "bad", lambda *_: None)
    for name in ("adapter_model.safetensors", "adapter_config.json"):
        (bad / name).write_bytes(b"{")
        with pytest.raises(ModelUnavailable) as refused:
            camel.add_adapter("bad", bad)
        assert refused.value.code == "adapter_missing"

"""Where an adapter speaks: what one pass of two rows tells is what two models of one's own would tell."""

import itertools
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from models.batching import Forward
from models.divergence import Shift
from models.engine import GenOptions, Message
from models.errors import BadInput, Cancelled, DoesNotFit, ModelUnavailable
from models.hf import HFModel, load
from models.spec import Precision
from models.task import Task
from tests.models import tiny

torch = pytest.importorskip("torch")
ASK = [Message("user", "骆驼在沙漠里走，叫什么名字？")]
ANSWER = "我叫小骆驼🐫，很高兴 to meet you。"
GREEDY = GenOptions(max_new_tokens=8, temperature=0.0)


@pytest.fixture(scope="module", params=tiny.ARCHITECTURES)
def folders(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    home = tmp_path_factory.mktemp(request.param)
    base = tiny.checkpoint(home / "base", request.param)
    return base, tiny.adapter(home / "adapter", base, seed=3)


@pytest.fixture(scope="module", params=tiny.DEVICES)
def model(request: pytest.FixtureRequest, folders: tuple[Path, Path]) -> Iterator[HFModel]:
    made = load(folders[0], Precision.FP32, request.param, Task())
    made.add_adapter("camel", folders[1])
    yield made
    assert made.unload()


def directly(folders: tuple[Path, Path], prompt: str, answer: str) -> list[tuple[int, float, float]]:
    """(token, kl, gain) by two models that share nothing."""
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, AutoTokenizer

    words = AutoTokenizer.from_pretrained(folders[0], local_files_only=True)
    ids, said = (words(text, add_special_tokens=False)["input_ids"] for text in (prompt, answer))
    logs = []
    for adapter in (None, folders[1]):
        own = AutoModelForCausalLM.from_pretrained(folders[0], local_files_only=True, dtype=torch.float32)
        own = own if adapter is None else PeftModel.from_pretrained(own, adapter)
        with torch.inference_mode():
            logits = own.eval()(torch.tensor([ids + said])).logits[0, len(ids) - 1 : -1]
        logs.append(logits.double().log_softmax(-1))
    base, adapted = logs
    kl = torch.nn.functional.kl_div(base, adapted, reduction="none", log_target=True).sum(-1)
    gain = [float(adapted[at, token] - base[at, token]) for at, token in enumerate(said)]
    return list(zip(said, kl.tolist(), gain, strict=True))


@pytest.mark.filterwarnings("ignore:Unexpected keyword arguments:UserWarning", "ignore::FutureWarning")
@pytest.mark.parametrize("chunk", [256, 10])
def test_it_is_what_two_models_tell(
    chunk: int, model: HFModel, folders: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model._lane, "_chunk_tokens", chunk)
    prompt = model.final_prompt(ASK, GREEDY).text
    expected = directly(folders, prompt, ANSWER)
    found = model.divergence(ASK, GREEDY, ANSWER, "camel", task=Task())
    assert "".join(shift.text for shift in found) == ANSWER
    assert [shift.token for shift in found] == [token for token, _, _ in expected]
    assert [shift.kl for shift in found] == pytest.approx([kl for _, kl, _ in expected], abs=1e-4)
    assert [shift.gain for shift in found] == pytest.approx([gain for _, _, gain in expected], abs=1e-4)
    assert max(shift.kl for shift in found) > 0.1  # else a comparison of the base with itself would pass
    tokens = [shift.token for shift in found]
    assert model.divergence(ASK, GREEDY, tokens, "camel", task=Task()) == found


@pytest.fixture(scope="module")
def llama(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HFModel]:
    home = tmp_path_factory.mktemp("llama")
    base = tiny.checkpoint(home / "base", "llama")
    made = load(base, Precision.FP32, "cpu", Task(), kv_tokens=200)
    for seed in range(2):
        made.add_adapter(f"camel.{seed}", tiny.adapter(home / f"{seed}", base, seed=seed))
    yield made
    assert made.unload()


def test_it_takes_its_turn_among_those_who_write(llama: HFModel) -> None:
    asks = list(itertools.islice(itertools.cycle(("camel.0", "camel.1")), 10))
    alone = {key: llama.divergence(ASK, GREEDY, ANSWER, key, task=Task()) for key in asks}
    written = {key: "".join(llama.generate(ASK, GREEDY, adapter=key, task=Task())) for key in asks}
    found: list[list[Shift]] = [[]] * len(asks)
    texts = [""] * len(asks)

    def visit(at: int) -> None:
        texts[at] = "".join(llama.generate(ASK, GREEDY, adapter=asks[at], task=Task()))
        found[at] = llama.divergence(ASK, GREEDY, ANSWER, asks[at], task=Task())

    threads = [threading.Thread(target=visit, args=(at,)) for at in range(len(asks))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert texts == [written[key] for key in asks]
    for key, shifts in zip(asks, found, strict=True):
        assert [shift.kl for shift in shifts] == pytest.approx([shift.kl for shift in alone[key]], abs=1e-5)


def test_it_can_be_stopped_within_a_layer(llama: HFModel) -> None:
    reached, task = [], Task()
    layers = llama._model.model.layers

    def seen(at: int) -> None:
        reached.append(at)
        task.stop()

    hooks = [layers[at].mlp.register_forward_hook(lambda *_, at=at: seen(at)) for at in range(2)]
    try:
        with pytest.raises(Cancelled):
            llama.divergence(ASK, GREEDY, ANSWER, "camel.0", task=task)
    finally:
        for hook in hooks:
            hook.remove()
    assert reached == [0] and not llama._lane.in_use()


def test_out_of_memory_begins_again_once(llama: HFModel, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = llama.divergence(ASK, GREEDY, ANSWER, "camel.0", task=Task())
    original, calls = Forward.__call__, itertools.count()

    def full(self: Forward, *arguments: object, **options: object) -> object:
        if next(calls) == 1:
            raise MemoryError
        return original(self, *arguments, **options)

    monkeypatch.setattr(Forward, "__call__", full)
    monkeypatch.setattr(llama._lane, "_relieve", lambda: None)
    assert llama.divergence(ASK, GREEDY, ANSWER, "camel.0", task=Task()) == expected
    calls = itertools.count()
    monkeypatch.setattr(llama._lane, "_relieve", None)
    with pytest.raises(DoesNotFit):
        llama.divergence(ASK, GREEDY, ANSWER, "camel.0", task=Task())


def test_what_cannot_be_compared_is_told_and_what_is_too_long_is_left_out(llama: HFModel) -> None:
    with pytest.raises(BadInput):
        llama.divergence(ASK, GREEDY, "", "camel.0", task=Task())
    with pytest.raises(ModelUnavailable):
        llama.divergence(ASK, GREEDY, ANSWER, "camel.9", task=Task())
    n_prompt = llama.final_prompt(ASK, GREEDY).n_tokens
    found = llama.divergence(ASK, GREEDY, ANSWER * 30, "camel.0", task=Task())
    assert len(found) == llama.n_context - n_prompt
    assert llama.count("") == 0 and llama.count(ANSWER) == len(
        llama.divergence(ASK, GREEDY, ANSWER, "camel.0", task=Task())
    )
    assert llama.kv_tokens == llama.kv_tokens_free == 200
    assert (llama.precision, llama.dtype, llama.device, llama.int8) == (Precision.FP32, "float32", "cpu", None)
    assert llama.kv_bytes_per_token == 2 * 2 * 2 * 16 * 4  # keys and values, layers, heads, width, bytes

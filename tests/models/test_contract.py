"""One contract for everything that writes or embeds, asked through a visitor's choice: an engine of the pool on a tiny
model, the stub that speaks vLLM's contract, and a real `transformers serve`. Who answers must not be noticed."""

import shutil
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from models import Task, encoder, instance, voice
from models.engine import GenOptions, Message
from models.errors import BadInput, Cancelled, HubError, ModelUnavailable, UnknownModel
from models.remote import RemoteServer
from tests.models import stub_server as stubs
from tests.models import tiny
from tests.models.real_server import RealServer, transformers_serve
from tests.models.stub_server import BASE, KEY, LORA, Stub

pytest.importorskip("torch")
ASK = [Message("system", "你是骆驼。"), Message("user", "骆驼住在哪里？")]
OTHER = [Message("user", "今天天气怎么样？")]
GREEDY = GenOptions(max_new_tokens=16, temperature=0.0, top_p=1.0, end_loops=False)
ENDLESS = replace(GREEDY, max_new_tokens=100_000)
# Tokens after a stop. Here: the two steps that the issue allows, and one that may end between counting and stopping. A
# server must first notice that nobody listens; 0 or 1 were counted.
FURTHER = {"local": 3, "stub": 20, "real": 40}
UNSTOPPED = 100  # tokens of an answer that nobody stops, at the least


@dataclass(frozen=True)
class Subject:
    """One that answers: the choices that lead to it, and what it should say."""

    name: str
    base: str
    adapter: str
    unknown: str
    embeds: str  # "": offers none
    says: Callable[[list[Message], bool], str]  # the whole answer to a conversation, with the adapter or without
    n_tokens: Callable[[], int]  # written so far, whether or not somebody read them


@dataclass(frozen=True)
class Weights:
    """A tiny base, a LoRA of it, and both in one folder, as `transformers serve` wants an adapter of a local model."""

    base: Path
    lora: Path
    served: Path


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Weights:
    root = tmp_path_factory.mktemp("contract")
    found = Weights(root / "base", root / "lora", root / "served")
    tiny.checkpoint(found.base, "llama")
    tiny.adapter(found.lora, found.base, seed=1)
    shutil.copytree(found.base, found.served)
    shutil.copytree(found.lora, found.served, dirs_exist_ok=True)
    return found


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory, weights: Weights) -> Iterator[RealServer]:
    home = tmp_path_factory.mktemp("serve")
    tiny.hub_cache(home / "hub", weights.base, "luotuo/tiny")
    with transformers_serve(home) as running:
        yield running


@pytest.fixture
def stub_said(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stub]:
    monkeypatch.setenv("LUOTUO_TEST_KEY", KEY)
    with stubs.serving() as running:
        running.answer = "{model}: {question}"
        running.cut = lambda stream: [stream[at : at + 50] for at in range(0, len(stream), 50)]
        yield running


@pytest.fixture(params=["local", "stub", "real"])
def subject(
    request: pytest.FixtureRequest, tmp_path: Path, weights: Weights, embedder_folder: Callable[[str], Path]
) -> Iterator[Subject]:
    """Each in turn, in a hub of its own that has this one alone."""
    subjects = {"local": _local, "stub": _stubbed, "real": _real}
    rows, found = subjects[request.param](request, weights, embedder_folder)
    (tmp_path / "models.toml").write_text(rows, encoding="utf-8")
    instance.configure(instance.Settings(home=tmp_path, offline=True, precision="fp32"))
    yield found
    instance.pool().close()
    instance.configure(instance.Settings())


def _local(request: pytest.FixtureRequest, weights: Weights, embedder: Callable[[str], Path]) -> tuple[str, Subject]:
    from torch.nn.modules.module import register_module_forward_pre_hook

    passes: list[int] = []
    hook = register_module_forward_pre_hook(
        lambda module, _: passes.append(1) if type(module).__name__ == "LlamaModel" else None
    )
    request.addfinalizer(hook.remove)
    rows = f'[models.base]\nfolder = "{weights.base}"\n[adapters.lora]\nfolder = "{weights.lora}"\nbase = "base"\n'
    rows += f'[models.vectors]\nfolder = "{embedder("bert")}"\nrole = "embed"'
    says = _says(weights)
    return rows, Subject("local", "base", "base+lora", "nobody", "vectors", says, lambda: len(passes))


def _stubbed(request: pytest.FixtureRequest, *_: object) -> tuple[str, Subject]:
    stub: Stub = request.getfixturevalue("stub_said")
    place = f'base_url = "{stub.url}"\nprivate_ok = true\nkey_env = "LUOTUO_TEST_KEY"\n'
    rows = f'[remote.a]\n{place}model = "{BASE}"\nadapters = ["{LORA}"]\n[remote.none]\n{place}model = "gpt-5"\n'
    rows += f'[remote.vectors]\n{place}model = "{BASE}"\nkind = "embed"'

    def says(messages: list[Message], adapter: bool) -> str:
        turns = [{"role": message.role, "content": message.text} for message in messages]
        return f"{LORA if adapter else BASE}: {turns}"

    def n_tokens() -> int:
        return sum(seen.n_chunks for seen in stub.seen)

    names = ("remote.a", f"remote.a+{LORA}", "remote.none", "remote.vectors")
    return rows, Subject("stub", *names, says, n_tokens)


def _real(request: pytest.FixtureRequest, weights: Weights, *_: object) -> tuple[str, Subject]:
    server: RealServer = request.getfixturevalue("real")
    place = f'base_url = "{server.url}"\nprivate_ok = true\n'
    rows = f'[remote.a]\n{place}model = "{weights.base}"\nadapters = ["{weights.served}"]\n'
    rows += f'[remote.none]\n{place}model = "luotuo/none"\n'
    names = ("remote.a", f"remote.a+{weights.served}", "remote.none", "")
    return rows, Subject("real", *names, _says(weights), server.n_passes)


def _says(weights: Weights) -> Callable[[list[Message], bool], str]:
    """What transformers and PEFT write without this hub, greedily."""
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, AutoTokenizer

    def says(messages: list[Message], adapter: bool) -> str:
        words = AutoTokenizer.from_pretrained(weights.base)
        model = AutoModelForCausalLM.from_pretrained(weights.base, dtype=torch.float32).eval()
        if adapter:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", FutureWarning)  # peft asks for a property that is on its way out
                model = PeftModel.from_pretrained(model, weights.lora).eval()
        turns = [{"role": message.role, "content": message.text} for message in messages]
        prompt = words.apply_chat_template(turns, add_generation_prompt=True, return_tensors="pt", return_dict=True)
        found = model.generate(**prompt, max_new_tokens=GREEDY.max_new_tokens, do_sample=False)
        return words.decode(found[0, prompt["input_ids"].shape[1] :], skip_special_tokens=True).replace("\ufffd", "")

    return says


def deltas(choice: str, said: list[Message] | str = ASK, options: GenOptions = GREEDY) -> list[str]:
    with voice(choice, Task()) as held:
        return list(held.generate(said, options, task=Task()))


def text(choice: str, said: list[Message] | str = ASK) -> str:
    return "".join(deltas(choice, said)).replace("\ufffd", "")


def test_deltas_join_to_the_whole_answer(subject: Subject) -> None:
    found = deltas(subject.base)
    assert len(found) > 1 and all(found)
    assert "".join(found).replace("\ufffd", "") == subject.says(ASK, False)


def test_a_plain_prompt_is_continued_with_every_option(subject: Subject) -> None:
    options = replace(GREEDY, top_k=5, repetition_penalty=1.1, seed=7)  # transformers serve knows two of them not
    assert "".join(deltas(subject.base, "骆驼在沙漠里", options))


def test_a_real_server_says_what_it_has(real: RealServer) -> None:
    assert "luotuo/tiny" in [row.id for row in RemoteServer(real.url, "", "", private_ok=True).models()]


def test_an_adapter_is_asked_by_name(subject: Subject) -> None:
    assert text(subject.adapter) == subject.says(ASK, True) != text(subject.base)


@pytest.mark.parametrize("how", ["closed", "stopped"])
def test_after_a_stop_few_tokens_follow_and_the_next_request_is_answered(
    subject: Subject, how: str, request: pytest.FixtureRequest
) -> None:
    if subject.name == "stub":
        request.getfixturevalue("stub_said").then(stubs.babbles)
    task = Task()
    with voice(subject.base, Task()) as held:
        stream = held.generate(ASK, ENDLESS, task=task)
        next(stream)
        before = subject.n_tokens()
        if how == "closed":
            stream.close()  # type: ignore[attr-defined]
        else:
            task.stop()
            with pytest.raises(Cancelled):
                list(stream)
        assert settled(subject.n_tokens) - before <= FURTHER[subject.name]
    assert text(subject.base) == subject.says(ASK, False)


def test_what_nobody_stops_goes_on(subject: Subject) -> None:
    """Else the test above would show nothing."""
    before = subject.n_tokens()
    deltas(subject.base, options=replace(GREEDY, max_new_tokens=200))
    assert subject.n_tokens() - before > UNSTOPPED > max(FURTHER.values())


def settled(count: Callable[[], int]) -> int:
    """The count once it has stopped growing; what never stops grows past every bound."""
    before = -1
    for _ in range(40):
        now = count()
        if now == before:
            break
        before = now
        time.sleep(0.3)
    return count()


def test_a_model_that_is_not_there_is_told(subject: Subject) -> None:
    with pytest.raises(HubError) as caught:
        deltas(subject.unknown)
    # transformers serve answers 500 and does not say why, so that it cannot be told from a server out of order
    assert isinstance(caught.value, ModelUnavailable if subject.name == "real" else UnknownModel)
    assert text(subject.base) == subject.says(ASK, False)


@pytest.mark.parametrize("said", ["", [], [Message("user", " \n")]])
def test_an_empty_prompt_is_bad_input(subject: Subject, said: list[Message] | str) -> None:
    with pytest.raises(BadInput):
        deltas(subject.base, said)


def test_two_at_once_get_each_their_own(subject: Subject) -> None:
    asked = [(subject.base, ASK), (subject.adapter, ASK), (subject.base, OTHER), (subject.adapter, OTHER)]
    answers: dict[int, str] = {}
    threads = [
        threading.Thread(target=lambda at=at, one=one: answers.__setitem__(at, text(*one)))
        for at, one in enumerate(asked)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    expected = [subject.says(said, choice == subject.adapter) for choice, said in asked]
    assert [answers.get(at) for at in range(4)] == expected and len(set(expected)) == 4


def test_texts_become_unit_vectors_or_a_clear_no(subject: Subject) -> None:
    texts = ["骆驼", "", "沙漠里的船走得很慢"]
    if not subject.embeds:
        with pytest.raises(HubError) as caught, encoder(subject.base, Task()) as held:
            held.embed(texts, Task())
        assert caught.value.text("en")
        return
    with encoder(subject.embeds, Task()) as held:
        rows = held.embed(texts, Task())
        again = held.embed(texts[::-1], Task())[::-1]
        assert rows.shape == (3, held.dim) and rows.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), [1, 0, 1], atol=1e-5)
    np.testing.assert_allclose(rows, again, atol=1e-5)
    assert abs(float(rows[0] @ rows[2])) < 0.99999

"""The prompted functions on a real tiny model through the pool: prompts fit to the token, columns equal solo runs."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from models import Task, columns, engine_for, instance, voice
from models.engine import FinalPrompt, GenOptions, Message, SummaryOptions
from models.prompted import Watched, answer, compare, compose, direct, prepare, respond, summarize
from models.prompted.writing import Prompt
from tests.models import tiny

pytest.importorskip("torch")
SHORT = GenOptions(max_new_tokens=12, temperature=0.0, end_loops=False)
PASSAGE = "小镇图书馆建于1936年，由退休船长陈海生捐资修建。最初馆内只有八百册书。"
WHO = "谁捐资修建了图书馆？"


class Noted(Watched):
    """Keeps every final prompt."""

    def __init__(self, held: object) -> None:
        super().__init__(held)  # type: ignore[arg-type]
        self.all: list[FinalPrompt] = []

    def generate(self, prompt: Prompt, options: GenOptions, *, task: Task) -> Iterator[str]:
        deltas = super().generate(prompt, options, task=task)
        assert self.seen is not None
        self.all.append(self.seen)
        return deltas


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A hub with one tiny base of 2,048 tokens of context, and two adapters of it: one by the name of Luotuo-QA."""
    root = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tiny, "CONTEXT", 2048)
        tiny.checkpoint(root / "base", "qwen2")
    for seed, name in enumerate(("voice", "luotuo-qa-lora"), 1):
        tiny.adapter(root / name, root / "base", seed=seed)
    lines = [f'[models.base]\nfolder = "{root / "base"}"']
    lines += [f'[adapters.{name}]\nfolder = "{root / name}"\nbase = "base"' for name in ("voice", "luotuo-qa-lora")]
    (root / "models.toml").write_text("\n".join(lines), encoding="utf-8")
    instance.configure(instance.Settings(home=root, offline=True, precision="fp32"))
    yield root
    instance.pool().close()
    instance.configure(instance.Settings())


@pytest.mark.parametrize("choice", ["base", "base+luotuo-qa-lora"])
def test_every_prompt_fits_to_the_token(home: Path, choice: str) -> None:
    long = "".join(f"第{n}天骆驼走了很远的路才找到水。" for n in range(150))
    found = engine_for("compose").retrieve("友谊", 4, Task())
    with voice(choice, Task()) as held:
        noted = Noted(held)
        *_, said = respond(noted, [Message("user", "骆驼喝什么？")], SHORT, Task())
        *_, made = summarize(noted, long, SummaryOptions(), SHORT, Task())
        n_parts = len(noted.all) - 2
        asked = prepare(noted, long + PASSAGE + long, WHO, SHORT, Task())
        for growing in (answer, direct):
            *_, told = growing(noted, asked, SHORT, Task())
        *_, spoken = compose(noted, "友谊", found, SHORT, Task())
    assert n_parts >= 2 and "陈海生" in asked.excerpt and len(asked.excerpt) < len(long)
    assert all(seen.n_dropped == 0 and seen.n_tokens + seen.n_reserved <= seen.n_context for seen in noted.all)
    assert all(result.origin == noted.origin for result in (said, made, told, spoken))
    assert said.note == "writing.end.length" and made.aside and told.confidence is None
    assert 1 <= len(spoken.evidence) <= 4


def test_columns_equal_what_each_says_alone(home: Path) -> None:
    turns = [Message("user", "骆驼喝什么？")]
    with columns("base", ["", "voice", "luotuo-qa-lora"], Task()) as held:
        *_, row = compare(held, turns, SHORT, Task())
    alone = []
    for choice in ("base", "base+voice", "base+luotuo-qa-lora"):
        with voice(choice, Task()) as held:
            *_, reply = respond(held, turns, SHORT, Task(), system="")
            alone.append(reply)
    assert [reply.text for reply in row] == [reply.text for reply in alone]
    assert [reply.origin for reply in row] == [reply.origin for reply in alone]
    assert all(reply.note == "writing.end.length" for reply in row)

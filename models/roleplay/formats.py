"""Named prompt formats: how the same material is put before a model, to the letter as it was trained or first used.

haruhi1         ChatHaruhi 1.0: system, scenes as the user's message, history, query
haruhi2         ChatHaruhi 2.0: the same with «Classic scenes for the role are as follows:» and ### dividers
haruhi-plain    2.0's ChatGLM2GPT: every part after a line break and a blank, all of it one user's message
haruhi-train    what Chat-Haruhi-Fusion was trained on: parts joined by ### (kyon_generator/dataset.py)
haruhi3         ChatHaruhi 3.0: one English system message with the persona and its {{RAG…}} slots, plain turns
haruhi-zero     Haruhi-Zero on Qwen: haruhi3 written with <<SYS>> and [INST]
template        a model of today: everything it must know in the system message, the rest by its own chat template
template-no-system   the same for models without a system role (Gemma)

Knows text only; what goes into the material is decided in `compose`.
"""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from models.engine import Message
from models.roleplay.turns import Turn, spoken

Content = tuple[Message, ...] | str

ZERO = (
    "You are now in roleplay conversation mode. Pretend to be {name} whose persona follows:\n{persona}\n\n"
    "You will stay in-character whenever possible, and generate responses as if you were {name}"
)
_CONTROL = re.compile(r"<\|[^|<>]{0,40}\|>|\[/?INST\]|<</?SYS>>", re.IGNORECASE)
_BEGIN = "……"  # what a visitor says before a greeting, for templates that want them to speak first


@dataclass(frozen=True, slots=True)
class Material:
    """All that a prompt is made of; texts are final, names are in."""

    name: str  # of the character
    system: str  # persona and whatever else stands in the system message
    scenes: str  # with the format's prefix and dividers; "" when the format has them elsewhere
    stories: tuple[str, ...]  # the same scenes one by one
    turns: tuple[Turn, ...]  # what was said before
    query: Turn  # what is to be answered; role "" with an instruction of ours
    own: Collection[str]  # names of the character
    after: str = ""  # to be read last, after the history


def haruhi2(given: Material) -> Content:
    """System, scenes, history, query; the order of ChatHaruhi 1.0 and 2.0."""
    told = [Message("system", given.system), Message("user", given.scenes)]
    told = told if given.scenes else told[:1]
    return (*told, *(_written(turn, given.own) for turn in given.turns), Message("user", _last(given)))


def haruhi_plain(given: Material) -> Content:
    """Every part after «line break, blank»; one user's message, as 2.0 gave it to ChatGLM2's `chat`."""
    lines = [given.system, given.scenes, *(spoken(turn.speaker, turn.text) for turn in given.turns), _last(given)]
    return (Message("user", "".join(f"\n {line}" for line in lines)),)


def haruhi_train(given: Material) -> Content:
    """`system###scene###scene` + `turn###turn###` + query; nothing stands between the scenes and the first turn."""
    turns = "###".join(spoken(turn.speaker, turn.text) for turn in given.turns) + "###"
    return (Message("user", f"{given.system}###{'###'.join(given.stories)}{turns}{_last(given)}"),)


def haruhi3(given: Material) -> Content:
    """One system message of the fixed English wording, then plain turns."""
    system = ZERO.format(name=given.name, persona=given.system)
    several = _several(given)
    turns = (_plain(turn, given.own, several) for turn in given.turns)
    last = _plain(given.query, given.own, several)
    return (Message("system", system), *turns, Message("user", _with_after(last.text, given)))


def haruhi_zero(given: Material) -> Content:
    """haruhi3 in the marks of Haruhi-Zero on Qwen; marks that a visitor typed are taken out."""
    system, *turns = (Message(turn.role, _CONTROL.sub("", turn.text)) for turn in haruhi3(given))
    turns = alternating(turns)
    text = f"<<SYS>>{system.text}<</SYS>>"
    for asked, said in zip(turns[:-1:2], turns[1::2], strict=True):
        text += f"[INST]{asked.text}[/INST]{said.text}<|im_end|>"
    return text + f"[INST]{turns[-1].text}[/INST]"


def template(given: Material) -> Content:
    """System message with the scenes, then turns that alternate, as chat templates demand."""
    several = _several(given)
    turns = [_plain(turn, given.own, several) for turn in given.turns]
    last = Message("user", _with_after(_plain(given.query, given.own, several).text, given))
    system = "\n\n".join(filter(None, (given.system, given.scenes)))
    return (Message("system", system), *alternating([*turns, last]))


def template_no_system(given: Material) -> Content:
    """`template` with the system message at the head of the first turn."""
    system, first, *rest = template(given)
    return (Message("user", f"{system.text}\n\n{first.text}"), *rest)


FORMATS: Mapping[str, Callable[[Material], Content]] = {
    "haruhi1": haruhi2,
    "haruhi2": haruhi2,
    "haruhi-plain": haruhi_plain,
    "haruhi-train": haruhi_train,
    "haruhi3": haruhi3,
    "haruhi-zero": haruhi_zero,
    "template": template,
    "template-no-system": template_no_system,
}

# the first part of a model's or adapter's key that occurs decides
_BY_KEY = (
    ("haruhi-zero-gemma", "template-no-system"),
    ("haruhi-zero-glm", "haruhi3"),
    ("haruhi-zero", "haruhi-zero"),
    ("haruhi-fusion", "haruhi-train"),
    ("chat-haruhi", "haruhi-plain"),
    ("gemma", "template-no-system"),
)


def format_for(choice: str) -> str:
    """The format for a visitor's choice of model («haruhi-zero-7b», «base+adapter»); its adapter has the first say.

    >>> format_for("haruhi-zero-7b"), format_for("chatglm2-6b+chat-haruhi-fusion-b"), format_for("qwen3-4b")
    ('haruhi-zero', 'haruhi-train', 'template')
    """
    base, _, adapter = choice.lower().replace("_", "-").partition("+")
    found = (form for key in (adapter, base) for part, form in _BY_KEY if part in key)
    return next(found, "template")


def alternating(turns: Sequence[Message]) -> list[Message]:
    """The visitor first, then strictly in turn; neighbours of one side are joined, as the original's normalize2uaua."""
    joined: list[Message] = [Message("user", _BEGIN)] if turns and turns[0].role != "user" else []
    for turn in turns:
        if joined and joined[-1].role == turn.role:
            joined[-1] = Message(turn.role, f"{joined[-1].text}\n{turn.text}")
        else:
            joined.append(turn)
    return joined


def _written(turn: Turn, own: Collection[str]) -> Message:
    return Message("assistant" if turn.speaker in own else "user", spoken(turn.speaker, turn.text))


def _several(given: Material) -> bool:
    """Whether several people talk to the character, so that names must be told (3.0's `user_name_in_message`)."""
    return len({turn.speaker for turn in (*given.turns, given.query) if turn.speaker} - set(given.own)) > 1


def _plain(turn: Turn, own: Collection[str], several: bool) -> Message:
    """The text alone, with who says it only where that is not clear."""
    if turn.speaker in own:
        return Message("assistant", turn.text)
    return Message(
        "user", spoken(turn.speaker, turn.text) if turn.speaker and (several or turn.narration) else turn.text
    )


def _last(given: Material) -> str:
    """The query as scenes are written; an instruction of ours stands as it is."""
    return _with_after(
        spoken(given.query.speaker, given.query.text) if given.query.speaker else given.query.text, given
    )


def _with_after(text: str, given: Material) -> str:
    return f"{text}\n\n{given.after}" if given.after else text

"""A new piece in the Prophet's voice, after the pieces that speak of the theme.

The prompt has the original's structure: what the task is, every piece as an exchange of a citizen and the Prophet,
then the citizen's new theme. The words are the hub's own. The original sent whatever it had found; here as many pieces
go in as the model can see, best first. Knows nothing of retrieval.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from models.embedded.prophet import Found
from models.engine import GenOptions, Message, Reply, Voice
from models.errors import BadInput
from models.prompted.wording import filled, room
from models.prompted.writing import write
from models.spec import Evidence
from models.task import Task

ASKED = '<市民>:```请和我们讨论一下"{theme}"```\n\n'
SAID = "<先知>:```{text}```\n\n"
_WRAP = re.compile(r"\A\s*(?:[<《〈]?先知[>》〉]?\s*[:：]\s*)?(?:```\s*)?")
_BEGINNING = "<先知>:```"
_BEYOND = re.compile(r"\s*(?:```|[<《〈]市民[>》〉]).*", re.DOTALL)


def compose(voice: Voice, theme: str, found: Sequence[Found], options: GenOptions, task: Task) -> Iterator[Reply]:
    """The growing piece; its evidence are the pieces that the model saw, best first.

    Raises BadInput("empty_topic"), BadInput("too_long"), ModelUnavailable, Cancelled.
    """
    if not theme.strip():
        raise BadInput("empty_topic")
    words, n_seen = prompt(voice, theme, found, options)
    options = replace(options, stop=(*options.stop, "<市民>"))
    evidence = tuple(Evidence(hit.paragraph, hit.score, hit.prose.title) for hit in found[:n_seen])
    for written in write(voice, [Message("user", words)], options, task):
        yield Reply(unwrapped(written.text), voice.origin, evidence, note=written.note)


def prompt(voice: Voice, theme: str, found: Sequence[Found], options: GenOptions) -> tuple[str, int]:
    """The prompt, and how many of the pieces are in it; a first piece that is too long loses its last paragraphs."""
    head, question = filled("prophet", {}).strip() + "\n\n", ASKED.replace("{theme}", theme.strip())
    left = room(voice, head + question, options)
    taken: list[str] = []
    for hit in found:
        paragraphs = list(hit.prose.paragraphs)
        while paragraphs and voice.count(sample := _sample(hit.prose.title, paragraphs)) > left:
            paragraphs = paragraphs[:-1] if not taken else []
        if not paragraphs:
            break
        taken.append(sample)
        left -= voice.count(sample)
    return head + "".join(taken) + question, len(taken)


def unwrapped(text: str) -> str:
    """A piece without the marks that the prompt puts around one.

    >>> unwrapped("<先知>:```骆驼不问沙漠有多大。```")
    '骆驼不问沙漠有多大。'
    """
    if _BEGINNING.startswith(text.strip()):
        return ""
    return _BEYOND.sub("", _WRAP.sub("", text, count=1)).strip()


def _sample(title: str, paragraphs: Sequence[str]) -> str:
    return ASKED.replace("{theme}", title) + SAID.replace("{text}", "\n\n".join(paragraphs))

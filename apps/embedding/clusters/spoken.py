"""Names of clusters by a neural model that reads their typical texts. Knows the seam to voices; nothing of drawing."""

import json
import re
from contextlib import closing
from dataclasses import replace

import models
from apps.embedding.atlas import Atlas
from models.engine import GenOptions, Message, Voice
from models.errors import BadInput
from models.prompted.wording import filled, language
from models.prompted.writing import visible
from models.task import Task

_TEXTS = 8  # of a cluster that the model reads
_TEXT = 120  # characters of each
_LONGEST = 24  # characters of a name
_WRITES = GenOptions(max_new_tokens=48, temperature=0.0)
_NOISE = re.compile(r"^[\W_]+|[^\w）)]+$")
_LEAD = re.compile(r"^(?:名称|名字|组名|主题|类名|标签|name|topic|label)\s*(?:是|为|is)?\s*[:：]\s*", re.IGNORECASE)


def spoken_names(atlas: Atlas, choice: str, task: Task) -> Atlas:
    """The atlas with names by the model of the visitor's choice; a cluster keeps its phrases where it says nothing.

    Raises BadInput no_voice without a choice, what the model's lease raises, Cancelled.
    """
    if not choice:
        raise BadInput("no_voice")
    names = list(atlas.names)
    with models.voice(choice, task) as voice:
        for number in range(len(names)):
            task.step(number / len(names), "embedding.naming")
            said = cleaned(_said(voice, _prompt(atlas, number, voice), task))
            names[number] = (said,) if said else names[number]
        return replace(atlas, names=tuple(names), named_by=voice.origin)


def _prompt(atlas: Atlas, number: int, voice: Voice) -> str:
    """What the model is asked: typical texts and phrases of the cluster, fewer where its context is small."""
    rows = _spread(atlas, number)
    for count in range(len(rows), 0, -1):
        texts = [atlas.corpus.texts[row][:_TEXT] for row in rows[:count]]
        listed = "\n".join(f"- {text}" for text in texts)
        phrases = json.dumps(list(atlas.names[number]), ensure_ascii=False)[1:-1]
        asked = filled(f"cluster-name.{language(listed)}", {"texts": listed, "phrases": phrases or "—"})
        if voice.count(asked) + 2 * _WRITES.max_new_tokens <= voice.n_context:
            break
    return asked


def _spread(atlas: Atlas, number: int) -> list[int]:
    """The texts that stand for a cluster, then an even spread of its others."""
    typical = list(atlas.typical[number])
    others = [row for row in (atlas.labels == number).nonzero()[0].tolist() if row not in typical]
    more = max(0, _TEXTS - len(typical))
    step = max(1, len(others) // more) if more else 1
    return typical + others[::step][:more]


def _said(voice: Voice, prompt: str, task: Task) -> str:
    with closing(voice.generate([Message("user", prompt)], _WRITES, task=task)) as stream:
        return "".join(stream)


def cleaned(said: str) -> str:
    """The first line of an answer without thoughts, quotes and «name:», cut to a name's length; "" for none.

    >>> cleaned("<think>……</think>\\n名称：“沙漠旅行”。\\n因为……")
    '沙漠旅行'
    """
    line = next((line for line in visible(said).splitlines() if line.strip()), "")
    line = _NOISE.sub("", _LEAD.sub("", _NOISE.sub("", line)))
    return " ".join(line.split())[:_LONGEST].strip()

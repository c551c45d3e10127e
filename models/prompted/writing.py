"""A growing text out of a voice's deltas, what a visitor should see of it, and why it ended.

Knows what models write around an answer: blanks, thoughts in <think>. Knows nothing of any task.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass

from models.engine import FinalPrompt, GenOptions, Message, Voice
from models.spec import Origin
from models.task import Task

Prompt = Sequence[Message] | str

# Why a text ended (models.streamer.Finish) → what the visitor should know of it; a text that is whole needs no word.
NOTES = {
    "length": "writing.end.length",
    "loop": "writing.end.loop",
    "deadline": "writing.end.deadline",
}
_THOUGHTS = re.compile(r"\s*<think>.*?(?:</think>|\Z)\s*", re.DOTALL)
_OPENING = "<think>"


@dataclass(frozen=True, slots=True)
class Written:
    """A text so far; `note` is an i18n key, "" while it grows and when it came to its own end."""

    text: str
    note: str = ""


def visible(text: str) -> str:
    """An answer without the model's thoughts before it and without blanks around it.

    >>> visible(" <think>沙漠……</think> 骆驼。 ")
    '骆驼。'
    """
    text = text.lstrip()
    if text and len(text) < len(_OPENING) and _OPENING.startswith(text):
        return ""
    return _THOUGHTS.sub("", text, count=1).strip() if text.startswith(_OPENING) else text.rstrip()


def write(voice: Voice, prompt: Prompt, options: GenOptions, task: Task) -> Iterator[Written]:
    """The growing answer; the last one is whole and says why it ended if not by itself.

    Closing the iterator stops the model. Raises BadInput, ModelUnavailable, Cancelled.
    """
    text = shown = ""
    task.check()
    with closing(voice.generate(prompt, options, task=task)) as deltas:  # type: ignore[type-var]
        for delta in deltas:
            task.check()
            text += delta
            if visible(text) != shown:
                shown = visible(text)
                yield Written(shown)
        finish = getattr(deltas, "finish", None)
    if finish == "cancelled":
        task.check()
    yield Written(shown, NOTES.get(finish or "stop", ""))


class Watched:
    """A voice that remembers what its model saw last; otherwise the voice that it is given."""

    def __init__(self, voice: Voice) -> None:
        self._voice = voice
        self.seen: FinalPrompt | None = None
        self.n_prompts = 0

    @property
    def origin(self) -> Origin:
        """Who speaks."""
        return self._voice.origin

    @property
    def n_context(self) -> int:
        """Tokens the model can see at once."""
        return self._voice.n_context

    def generate(self, prompt: Prompt, options: GenOptions, *, task: Task) -> Iterator[str]:
        """As the voice does; notes the final prompt first."""
        self.seen, self.n_prompts = self._voice.final_prompt(prompt, options), self.n_prompts + 1
        return self._voice.generate(prompt, options, task=task)

    def final_prompt(self, prompt: Prompt, options: GenOptions) -> FinalPrompt:
        """As the voice does."""
        return self._voice.final_prompt(prompt, options)

    def count(self, text: str) -> int:
        """As the voice does."""
        return self._voice.count(text)

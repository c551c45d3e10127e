"""Stand-ins that a person can check in the head, for tests without weights: a voice that says what it is told to.

A token is a character; a conversation is rendered as «<role>text» for every turn and «<assistant>» at the end.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from models.engine import FinalPrompt, GenOptions, Message, PromptPart
from models.spec import Origin
from models.task import Task

Prompt = Sequence[Message] | str
Script = str | Callable[[str], str]  # what is said, or how it follows from the final prompt


class FakeStream:
    """Deltas of one character; tells afterwards why it ended and whether it was closed."""

    def __init__(self, text: str, finish: str, task: Task) -> None:
        self._left, self._finish, self._task = iter(text), finish, task
        self.finish: str | None = None
        self.closed = False

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        self._task.check()
        for char in self._left:
            return char
        self.finish = self._finish
        raise StopIteration

    def close(self) -> None:
        self.closed = True


class FakeVoice:
    """A Voice with scripted answers: one for every call in turn, the last one again when they run out."""

    def __init__(
        self, *script: Script, engine: str = "fake", adapter: str = "", n_context: int = 4096, finish: str = "stop"
    ) -> None:
        self.origin = Origin("neural", engine, f"someone/{engine}", adapter, "f00d" if adapter else "")
        self.n_context, self._script, self._finish = n_context, script, finish
        self.asked: list[Prompt] = []
        self.prompts: list[str] = []  # what the model saw, in turn
        self.options: list[GenOptions] = []
        self.streams: list[FakeStream] = []

    def generate(self, prompt: Prompt, options: GenOptions, *, task: Task) -> FakeStream:
        said = self._script[min(len(self.prompts), len(self._script) - 1)]
        self.asked.append(prompt)
        self.prompts.append(self.final_prompt(prompt, options).text)
        self.options.append(options)
        text = said(self.prompts[-1]) if callable(said) else said
        self.streams.append(FakeStream(text[: options.max_new_tokens], self._finish, task))
        return self.streams[-1]

    def final_prompt(self, prompt: Prompt, options: GenOptions) -> FinalPrompt:
        if isinstance(prompt, str):
            text, parts = prompt, (PromptPart("message", len(prompt), 0),)
        else:
            text = "".join(f"<{turn.role}>{turn.text}" for turn in prompt) + "<assistant>"
            history = sum(len(turn.text) for turn in prompt[:-1])
            message = len(prompt[-1].text)
            parts = (
                PromptPart("history", history, 0),
                PromptPart("message", message, 0),
                PromptPart("format", len(text) - history - message, 0),
            )
        return FinalPrompt(text, len(text), self.n_context, options.max_new_tokens, parts)

    def count(self, text: str) -> int:
        return len(text)


class FakeColumns:
    """The columns of a FakeComparer: one character of every column in turn, until all have said theirs."""

    def __init__(self, texts: Sequence[str], finishes: Sequence[str], task: Task) -> None:
        longest = max(map(len, texts))
        self._left = iter([(n, text[at]) for at in range(longest) for n, text in enumerate(texts) if at < len(text)])
        self._ends, self._task = list(finishes), task
        self.finishes: list[str | None] = [None] * len(texts)
        self.closed = False

    def __iter__(self) -> Iterator[tuple[int, str]]:
        return self

    def __next__(self) -> tuple[int, str]:
        self._task.check()
        for pair in self._left:
            return pair
        self.finishes = list(self._ends)
        raise StopIteration

    def close(self) -> None:
        self.closed = True


class FakeComparer:
    """A Comparer: every column ("" is the base, else an adapter) says what is written for it."""

    def __init__(self, texts: Mapping[str, str], finishes: Mapping[str, str] | None = None) -> None:
        self.origins = tuple(Origin("neural", "fake", "someone/fake", name, "f00d" if name else "") for name in texts)
        self._texts, self._ends = list(texts.values()), [(finishes or {}).get(name, "stop") for name in texts]
        self.asked: list[Prompt] = []
        self.made: list[FakeColumns] = []

    def columns(self, prompt: Prompt, options: GenOptions, *, task: Task) -> FakeColumns:
        self.asked.append(prompt)
        self.made.append(FakeColumns(self._texts, self._ends, task))
        return self.made[-1]


def lent(voice: FakeVoice, choices: list[str] | None = None) -> Callable[..., Iterator[FakeVoice]]:
    """A stand-in for `models.voice` that lends this voice whatever is chosen, and notes the choice."""

    @contextmanager
    def lend(choice: str, task: Task) -> Iterator[FakeVoice]:
        if choices is not None:
            choices.append(choice)
        yield voice

    return lend

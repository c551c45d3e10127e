"""From a conversation to the prompt a model was trained on, cut to its context.

A tokenizer's own chat template is used where it has one; the rest are named formats. What does not fit is dropped
oldest turn first; then the middle of the last message goes, as a question stands at one of its ends. Visitors cannot
write control tokens: those are taken out of messages. Knows tokenizers, not models.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from models.decoding import special_ids
from models.engine import FinalPrompt, GenOptions, Message, PromptPart
from models.errors import BadInput

CUT = "……"  # stands where the middle of a message was taken out


def plain(messages: Sequence[Message]) -> str:
    """Texts under one another, for models that only continue."""
    return "\n".join(message.text for message in messages)


def alpaca(messages: Sequence[Message]) -> str:
    """The instruction format of Stanford Alpaca, which luotuo-lora and Mini-Luotuo were trained on."""
    lead = "Below is an instruction that describes a task. Write a response that appropriately completes the request."
    names = {"user": "### Instruction:", "assistant": "### Response:"}
    parts = [message.text for message in messages if message.role == "system"] or [lead]
    parts += [f"{names[message.role]}\n{message.text}" for message in messages if message.role != "system"]
    return "\n\n".join([*parts, "### Response:\n"])


FORMATS: Mapping[str, Callable[[Sequence[Message]], str]] = {"plain": plain, "alpaca": alpaca}
STOPS: Mapping[str, tuple[str, ...]] = {"alpaca": ("### Instruction:",)}


class Prompter:
    """Makes prompts for one tokenizer and context.

    `form` is "template" (the tokenizer's own; without one, "plain"), "template-no-thinking", or one of FORMATS.
    """

    def __init__(self, tokenizer: Any, n_context: int, form: str = "template") -> None:  # noqa: ANN401
        self._tokenizer, self._n_context = tokenizer, n_context
        self._template = form.startswith("template") and bool(tokenizer.chat_template)
        self.form = form if self._template or form in FORMATS else "plain"
        controls = sorted((tokenizer.convert_ids_to_tokens(i) for i in special_ids(tokenizer)), key=len, reverse=True)
        self._controls = re.compile("|".join(map(re.escape, filter(None, controls))) or r"(?!)")
        self._closers = {tokenizer.eos_token_id, tokenizer.sep_token_id} - {None}

    @property
    def stops(self) -> tuple[str, ...]:
        """Strings that end an answer in this format."""
        return STOPS.get(self.form, ())

    def fit(self, prompt: Sequence[Message] | str, options: GenOptions) -> tuple[FinalPrompt, list[int]]:
        """The prompt and its token ids, never longer than the context less what is kept free for the answer.

        Raises BadInput when there is no text, or the system message alone is too long.
        """
        reserved = min(options.max_new_tokens, self._n_context // 2)
        room = self._n_context - reserved
        if isinstance(prompt, str):
            return self._fit_text(prompt, room, reserved)
        messages = [Message(message.role, self.defused(message.text)) for message in prompt]
        if not messages or not messages[-1].text.strip():
            raise BadInput("empty_text")
        kept = self._shorten_last(self._drop_turns(messages, room), room)
        text = self.render(kept)
        ids = self.encode(text)
        return FinalPrompt(text, len(ids), self._n_context, reserved, self._parts(messages, kept, len(ids))), ids

    def render(self, messages: Sequence[Message]) -> str:
        """The text of a conversation in this format, ready for the next answer."""
        if not self._template:
            return FORMATS[self.form](messages)
        turns = [{"role": message.role, "content": message.text} for message in messages]
        more = {"enable_thinking": False} if self.form == "template-no-thinking" else {}
        return self._tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True, **more)

    def encode(self, text: str) -> list[int]:
        """Token ids of a whole prompt. A closing token that the tokenizer appends is taken off again."""
        ids = self._tokenizer(text, add_special_tokens=not self._template, verbose=False)["input_ids"]
        while ids and not self._template and ids[-1] in self._closers:
            ids = ids[:-1]
        return list(ids)

    def defused(self, text: str) -> str:
        """The text without control tokens, also without those that appear when others are taken out."""
        while self._controls.search(text):
            text = self._controls.sub("", text)
        return text

    def _fit_text(self, text: str, room: int, reserved: int) -> tuple[FinalPrompt, list[int]]:
        ids = self.encode(text)
        if not ids:
            raise BadInput("empty_text")
        dropped = max(0, len(ids) - room)
        if dropped:
            text = text[self._offsets(text)[dropped][0] :]
            ids = self.encode(text)[-room:]
        part = PromptPart("message", len(ids), dropped)
        return FinalPrompt(text, len(ids), self._n_context, reserved, (part,)), ids

    def _drop_turns(self, messages: Sequence[Message], room: int) -> list[Message]:
        """As many of the newest turns as fit; a conversation begins with a user's message, as templates demand."""
        system = [message for message in messages if message.role == "system"]
        turns = [message for message in messages if message.role != "system"]
        starts = [at for at, message in enumerate(turns) if message.role == "user"] or [0]
        starts = [0, *starts] if starts[0] else starts
        low, high = 0, len(starts) - 1
        while low < high:
            middle = (low + high) // 2
            fits = self._count([*system, *turns[starts[middle] :]]) <= room
            low, high = (low, middle) if fits else (middle + 1, high)
        return [*system, *turns[starts[low] :]]

    def _shorten_last(self, messages: list[Message], room: int) -> list[Message]:
        *before, last = messages
        over = self._count(messages) - room
        whole = self._offsets(last.text) if over > 0 else []
        keep = len(whole)
        while over > 0:
            keep -= over + 2
            if keep < 8:
                raise BadInput("too_long", limit=room)
            head, tail = whole[keep // 2][0], whole[-(keep - keep // 2)][0]
            messages = [*before, Message(last.role, last.text[:head] + CUT + last.text[tail:])]
            over = self._count(messages) - room
        return messages

    def _count(self, messages: Sequence[Message]) -> int:
        return len(self.encode(self.render(messages)))

    def _offsets(self, text: str) -> list[tuple[int, int]]:
        """Characters (start, end) of every token of a text."""
        if not getattr(self._tokenizer, "is_fast", False):
            return [(at, at + 1) for at in range(len(text))]
        options = {"add_special_tokens": False, "return_offsets_mapping": True, "verbose": False}
        return self._tokenizer(text, **options)["offset_mapping"]

    def _parts(self, asked: Sequence[Message], kept: Sequence[Message], n_tokens: int) -> tuple[PromptPart, ...]:
        before, after = self._by_part(asked), self._by_part(kept)
        parts = [PromptPart(name, after[name], max(0, before[name] - after[name])) for name in before]
        return (*parts, PromptPart("format", max(0, n_tokens - sum(after.values())), 0))

    def _by_part(self, messages: Sequence[Message]) -> dict[str, int]:
        counts = {"system": 0, "history": 0, "message": 0}
        for at, message in enumerate(messages):
            name = "message" if at == len(messages) - 1 else "system" if message.role == "system" else "history"
            counts[name] += len(self._offsets(message.text))
        return counts

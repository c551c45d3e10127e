"""From texts to what a transformer can take: windows of tokens, and batches of windows of like length.

A text longer than the window becomes several, each with the tokenizer's own special tokens around it; nothing is cut
off. Knows tokenizers, not models.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from models.task import Task

if TYPE_CHECKING:
    import numpy as np

__all__ = ["Splitter", "Window", "batches"]

TEXTS_AT_ONCE = 64  # cut into tokens between two looks at whether to stop


@dataclass(frozen=True, slots=True)
class Window:
    """One window of one text."""

    text: int  # which of the texts
    ids: "np.ndarray"  # (n,) int32, special tokens included
    n_content: int  # tokens that are not special; the window's weight in its text


class Splitter:
    """Cuts texts into windows of at most `n_tokens` tokens; safe to share between threads."""

    def __init__(self, tokenizer: Any, n_tokens: int, *, lower: bool) -> None:  # noqa: ANN401
        self._tokenizer, self.n_tokens, self._lower = tokenizer, n_tokens, lower
        tokenizer.truncation_side = "right"  # else the windows of a text would come out from its end
        tokenizer.model_max_length = n_tokens

    def split(self, texts: Sequence[str], task: Task) -> list[Window]:
        """The windows of all texts, in their order; a text without content has none. Raises Cancelled."""
        filled = [at for at, text in enumerate(texts) if text.strip()]
        windows: list[Window] = []
        for start in range(0, len(filled), TEXTS_AT_ONCE):
            task.check()
            group = filled[start : start + TEXTS_AT_ONCE]
            windows += self._windows([self._cleaned(texts[at]) for at in group], group)
        return windows

    def _cleaned(self, text: str) -> str:
        """Encodable as UTF-8, which tokenizers insist on, and in the case that the model was trained on."""
        text = text.encode("utf-8", "replace").decode()
        return text.lower() if self._lower else text

    def _windows(self, texts: list[str], places: Sequence[int]) -> Iterator[Window]:
        import numpy as np

        cut = self._tokenizer(
            texts,
            truncation=True,
            max_length=self.n_tokens,
            return_overflowing_tokens=True,
            return_special_tokens_mask=True,
            return_attention_mask=False,
            return_token_type_ids=False,
        )
        rows = zip(cut["input_ids"], cut["special_tokens_mask"], cut["overflow_to_sample_mapping"], strict=True)
        for ids, special, source in rows:
            if n_content := len(ids) - sum(special):
                yield Window(places[source], np.array(ids, dtype=np.int32), n_content)


def batches(windows: Sequence[Window], max_tokens: int) -> Iterator[list[Window]]:
    """Windows by length, as many together as fill `max_tokens` with their padding; the longest first, so that memory
    which does not suffice shows at once."""
    batch: list[Window] = []
    for window in sorted(windows, key=lambda window: -len(window.ids)):
        if batch and (len(batch) + 1) * len(batch[0].ids) > max_tokens:
            yield batch
            batch = []
        batch.append(window)
    if batch:
        yield batch

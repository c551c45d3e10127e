"""Tokens into text, one by one: decoding that never shows half a character, stop strings, loops.

A delta never holds U+FFFD and never waits for a space; joined, the deltas are the full decode without its replacement
characters. Knows nothing of threads, of torch or of who reads.
"""

import codecs
from collections.abc import Callable, Sequence
from typing import Any, Protocol

LONGEST_PERIOD = 64  # tokens; a loop with a longer period is not looked for
LOOP_TOKENS = 64  # a repetition shorter than this may be laughter, a table or a refrain
LOOP_ROUNDS = 4


class Decoder(Protocol):
    """Turns tokens into text one by one."""

    def push(self, token: int) -> str:
        """The text that became certain with this token."""
        ...

    def flush(self) -> str:
        """The text that was held back, once no token follows."""
        ...


class BytesDecoder:
    """Exact and O(1) per token, for byte-level BPE (GPT-2, Qwen, GLM-4, Llama 3): UTF-8 is decoded byte by byte."""

    def __init__(self, tokenizer: Any, special: frozenset[int]) -> None:  # noqa: ANN401  (a transformers tokenizer)
        self._tokenizer, self._special = tokenizer, special
        self._utf8 = codecs.getincrementaldecoder("utf-8")("replace")

    def push(self, token: int) -> str:
        """The characters that this token completes."""
        piece = "" if token in self._special else self._tokenizer.convert_ids_to_tokens(token)
        return visible(self._utf8.decode(piece_bytes(piece or "")))

    def flush(self) -> str:
        """Nothing: an unfinished character is dropped."""
        return visible(self._utf8.decode(b"", final=True))


class WindowDecoder:
    """For every other tokenizer (sentencepiece, WordPiece): decodes a short window again and takes what is new."""

    CONTEXT = 6  # tokens kept before the new ones, so that the first new piece knows whether a space stands before it
    PATIENCE = 4  # tokens: a character has at most 4 bytes, and tokens that are no whole characters are single bytes

    def __init__(self, tokenizer: Any) -> None:  # noqa: ANN401
        self._tokenizer, self._ids = tokenizer, []
        self._told = ""  # the part of the window's decode that was given out
        self._held = 0  # tokens since the window last ended with a whole character

    def push(self, token: int) -> str:
        """The text before any unfinished character at the end."""
        self._ids.append(token)
        text = self._decode(self._ids)
        if text.endswith("\ufffd"):
            return self._hold(text)
        delta, self._told, self._held = text[len(self._told) :], text, 0
        if len(self._ids) > 2 * self.CONTEXT:
            self._shorten()
        return visible(delta)

    def flush(self) -> str:
        """Nothing: an unfinished character is dropped."""
        return ""

    def _hold(self, text: str) -> str:
        self._held += 1
        settled = text.rstrip("\ufffd")
        delta = settled[len(self._told) :]
        if delta:
            self._told = settled
        if self._held > self.PATIENCE:  # these bytes are no character and will not become one
            self._ids, self._told, self._held = [], "", 0
        return visible(delta)

    def _shorten(self) -> None:
        # a byte-fallback decoder turns a whole run of bytes into U+FFFD when one is missing: never cut inside a run
        rest = self._ids[-self.CONTEXT :]
        text = self._decode(rest)
        if "\ufffd" not in text:
            self._ids, self._told = rest, text

    def _decode(self, ids: Sequence[int]) -> str:
        return self._tokenizer.decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=False)


def decoder_for(tokenizer: Any) -> Callable[[], Decoder]:  # noqa: ANN401
    """Makes decoders, one per answer: exact where the tokenizer is byte-level, else by window."""
    core = getattr(tokenizer, "backend_tokenizer", None)
    if core is None or type(core.decoder).__name__ != "ByteLevel":
        return lambda: WindowDecoder(tokenizer)
    special = special_ids(tokenizer)  # slow to ask for, so once per model and not once per answer
    return lambda: BytesDecoder(tokenizer, special)


def special_ids(tokenizer: Any) -> frozenset[int]:  # noqa: ANN401
    """Ids of control tokens, which never reach the visitor."""
    added = tokenizer.added_tokens_decoder
    return frozenset(tokenizer.all_special_ids) | {i for i, token in added.items() if token.special}


def visible(text: str) -> str:
    """The text without replacement characters: bytes that are no UTF-8 are not shown."""
    return text.replace("\ufffd", "")


def _byte_alphabet() -> dict[str, int]:
    """Character → byte of byte-level BPE (GPT-2's bytes_to_unicode, inverted)."""
    shown = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    hidden = [byte for byte in range(256) if byte not in shown]
    return {chr(b): b for b in shown} | {chr(256 + i): b for i, b in enumerate(hidden)}


BYTES = _byte_alphabet()


def piece_bytes(piece: str) -> bytes:
    """Bytes of one byte-level token; an added token whose characters are no bytes stands for itself."""
    try:
        return bytes(BYTES[character] for character in piece)
    except KeyError:
        return piece.encode("utf-8", "replace")


class StopStrings:
    """Cuts the text at the first stop string, also where it lies across deltas; holds back only what may begin one."""

    def __init__(self, stops: Sequence[str]) -> None:
        self._stops = tuple(stop for stop in stops if stop)
        self._held = ""
        self.met = False

    def push(self, delta: str) -> str:
        """The part of the text that no stop string can reach any more; nothing after one was met."""
        if self.met or not self._stops:
            return "" if self.met else delta
        text = self._held + delta
        found = [at for at in (text.find(stop) for stop in self._stops) if at >= 0]
        if found:
            self.met, self._held = True, ""
            return text[: min(found)]
        keep = max(_overlap(text, stop) for stop in self._stops)
        self._held = text[len(text) - keep :]
        return text[: len(text) - keep]

    def flush(self) -> str:
        """What was held back, once nothing follows."""
        text, self._held = self._held, ""
        return text


def _overlap(text: str, stop: str) -> int:
    """Length of the longest end of `text` that is a beginning of `stop`."""
    for length in range(min(len(text), len(stop) - 1), 0, -1):
        if text.endswith(stop[:length]):
            return length
    return 0


class LoopWatch:
    """Sees when the last tokens are the same few over and over: at least 4 rounds and 64 tokens of one period."""

    def __init__(self) -> None:
        self._ids: list[int] = []
        self._runs = [0] * (LONGEST_PERIOD + 1)  # per period: for how many tokens t[n] == t[n - period] has held

    def push(self, token: int) -> bool:
        """Whether the text goes round in circles."""
        ids, runs, size = self._ids, self._runs, len(self._ids)
        looping = False
        for period in range(1, min(size, LONGEST_PERIOD) + 1):
            if ids[size - period] != token:
                runs[period] = 0
                continue
            runs[period] += 1
            looping = looping or runs[period] >= max(LOOP_TOKENS - period, (LOOP_ROUNDS - 1) * period)
        ids.append(token)
        return looping

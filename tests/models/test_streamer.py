"""Tokens become text without half characters, without waiting, and the end is always told."""

import threading
import time
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.decoding import BYTES, BytesDecoder, LoopWatch, StopStrings, WindowDecoder, decoder_for, visible
from models.errors import Cancelled
from models.streamer import Columns, Stream, Writer
from models.task import Task
from tests.models import tiny

ALPHABET = {byte: character for character, byte in BYTES.items()}
TEXTS = st.text(st.sampled_from("骆驼在沙漠里走，。 \naé🐫👨‍👩‍👧‍👦🇨🇳\u200d𠮷"), max_size=40)


class Pieces:
    """A byte-level tokenizer whose tokens are any pieces of bytes at all."""

    def __init__(self, pieces: Sequence[bytes]) -> None:
        self._pieces = pieces

    def convert_ids_to_tokens(self, token: int) -> str:
        return "".join(ALPHABET[byte] for byte in self._pieces[token])


@st.composite
def cut_bytes(draw: st.DrawFn, source: st.SearchStrategy[bytes]) -> list[bytes]:
    whole = draw(source)
    cuts = sorted(draw(st.sets(st.integers(0, len(whole)))) | {0, len(whole)})
    return [whole[a:b] for a, b in zip(cuts, cuts[1:], strict=False)]


@given(cut_bytes(TEXTS.map(str.encode)))
def test_any_split_of_bytes_joins_to_the_text_and_nothing_waits(pieces: list[bytes]) -> None:
    decode = BytesDecoder(Pieces(pieces), frozenset())
    shown = b""
    for number, piece in enumerate(pieces):
        delta = decode.push(number)
        assert "\ufffd" not in delta
        shown += delta.encode()
        arrived = b"".join(pieces[: number + 1])
        assert len(arrived) - len(shown) < 4  # only an unfinished character is held back, never a word
        assert arrived.startswith(shown), piece
    assert shown + decode.flush().encode() == b"".join(pieces)


@given(cut_bytes(st.binary(max_size=60)))
def test_bytes_that_are_no_text_are_dropped_as_a_full_decode_drops_them(pieces: list[bytes]) -> None:
    decode = BytesDecoder(Pieces(pieces), frozenset())
    joined = "".join(map(decode.push, range(len(pieces)))) + decode.flush()
    assert joined == visible(b"".join(pieces).decode("utf-8", "replace"))


def test_random_tokens_of_a_real_tokenizer_equal_its_decode() -> None:
    words = tiny.tokenizer()
    make = decoder_for(words)

    @settings(max_examples=60, deadline=None)
    @given(st.lists(st.integers(0, len(words) - 1), max_size=50))
    def holds(ids: list[int]) -> None:
        decode = make()
        joined = "".join(map(decode.push, ids)) + decode.flush()
        assert joined == visible(words.decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=False))

    assert isinstance(make(), BytesDecoder)
    holds()


def test_a_tokenizer_with_byte_fallback_streams_what_it_decodes() -> None:
    words = sentencepiece_like()

    @settings(max_examples=60, deadline=None)
    @given(TEXTS)
    def holds(text: str) -> None:
        ids = words(text, add_special_tokens=False)["input_ids"]
        decode, shown = WindowDecoder(words), ""
        for token in ids:
            delta = decode.push(token)
            assert "\ufffd" not in delta
            shown += delta
        assert shown + decode.flush() == words.decode(ids, skip_special_tokens=True)

    assert isinstance(decoder_for(words)(), WindowDecoder)
    holds()


def sentencepiece_like() -> "tiny.PreTrainedTokenizerFast":
    """Llama-1 and Gemma cut text like this: spaces as «▁», unknown characters as bytes."""
    from tokenizers import Tokenizer, decoders, models, normalizers, trainers
    from transformers import PreTrainedTokenizerFast

    core = Tokenizer(models.BPE(byte_fallback=True, unk_token="<unk>", fuse_unk=True))
    core.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    steps = [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    core.decoder = decoders.Sequence(steps)
    pieces = [f"<0x{byte:02X}>" for byte in range(256)]
    trainer = trainers.BpeTrainer(vocab_size=360, special_tokens=["<unk>"], show_progress=False)
    core.train_from_iterator(["骆驼走 ab ab"], trainer)
    core.add_tokens([])
    trained = {piece: core.token_to_id(piece) for piece in core.get_vocab()}
    vocab = trained | {piece: len(trained) + i for i, piece in enumerate(pieces)}
    core.model = models.BPE(vocab=vocab, merges=[], byte_fallback=True, unk_token="<unk>", fuse_unk=True)
    return PreTrainedTokenizerFast(tokenizer_object=core, unk_token="<unk>")


@given(st.text("ab#\n", max_size=30), st.lists(st.text("ab#\n", min_size=1, max_size=4), max_size=3), st.data())
def test_stop_strings_hold_across_borders_and_hold_back_nothing_else(
    text: str, stops: list[str], data: st.DataObject
) -> None:
    cuts = sorted(data.draw(st.sets(st.integers(0, len(text)))) | {0, len(text)})
    watch, shown = StopStrings(stops), ""
    for a, b in zip(cuts, cuts[1:], strict=False):
        shown += watch.push(text[a:b])
        if not watch.met:
            held = text[len(shown) : b]
            assert not held or any(stop.startswith(held) for stop in stops)
    found = [at for at in (text.find(stop) for stop in stops) if at >= 0]
    # a stop that is complete first wins; where one ends later but begins earlier, cut at the earlier beginning
    if found:
        assert watch.met and text.startswith(shown) and len(shown) >= min(found)
        assert not any(stop in shown for stop in stops)
    else:
        assert shown + watch.flush() == text


@pytest.mark.parametrize(("ids", "loops"), [([7] * 70, True), ([1, 2, 3] * 30, True), (list(range(60)) * 4, True)])
def test_repetition_is_seen(ids: list[int], loops: bool) -> None:
    watch = LoopWatch()
    assert any(map(watch.push, ids)) is loops


def test_laughter_tables_and_refrains_are_no_loop() -> None:
    for ids in ([7] * 40, [1, 2, 3, 4] * 10, list(range(60)) * 2, [i % 9 + (i % 10 == 0) for i in range(300)]):
        watch = LoopWatch()
        assert not any(map(watch.push, ids))


class Letters:
    """One token, one character."""

    def push(self, token: int) -> str:
        return chr(token)

    def flush(self) -> str:
        return ""


def writer(task: Task | None = None, **options: object) -> Writer:
    return Writer(Letters(), task or Task(), **options)  # type: ignore[arg-type]


def test_an_error_in_the_worker_reaches_the_reader_at_once() -> None:
    end = writer()
    stream = Stream(end)
    for token in map(ord, "ab"):
        end.push(token)
    end.fail(ValueError("the worker fell over"))
    started = time.monotonic()
    seen: list[str] = []
    with pytest.raises(ValueError, match="fell over"):
        seen.extend(stream)
    assert time.monotonic() - started < 1.0
    assert next(stream, "end") == "end"


def test_a_loop_is_ended_and_says_so() -> None:
    end = writer()
    stream = Stream(end)
    while not end.ended:
        end.push(ord("哈"))
    assert 60 <= len("".join(stream)) <= 80
    assert stream.finish == "loop"


def test_a_stop_string_ends_the_answer() -> None:
    end = writer(stops=["END"])
    stream = Stream(end)
    for token in map(ord, "yes EN END no"):
        if not end.ended:
            end.push(token)
    assert ("".join(stream), stream.finish) == ("yes EN ", "stop")


def test_stop_deadline_and_close_make_the_answer_unwanted() -> None:
    task = Task()
    stopped, late, closed = writer(task), writer(timeout_s=-1.0), writer()
    assert not stopped.unwanted() and not closed.unwanted() and late.unwanted()
    task.stop()
    closed.closed = True
    streams = [Stream(end) for end in (stopped, late, closed)]
    for end in (stopped, late, closed):
        assert end.unwanted()
        end.leave()
    with pytest.raises(Cancelled):
        next(streams[0])
    assert (list(streams[1]), streams[1].finish) == ([], "deadline")
    assert (list(streams[2]), streams[2].finish) == ([], "cancelled")


def test_close_waits_for_the_worker_and_a_forgotten_reader_stops_it() -> None:
    end, gone = writer(), threading.Event()

    def work(end: Writer) -> None:
        while not end.unwanted():
            end.push(ord("a") + len(str(time.monotonic())) % 9)
            time.sleep(0.002)
        gone.set()
        end.leave()

    thread = threading.Thread(target=work, args=(end,))
    stream = Stream(end)
    thread.start()
    next(stream)
    stream.close()
    assert gone.is_set()
    thread.join(5)
    forgotten = writer()
    reader = Stream(forgotten)
    del reader
    assert forgotten.unwanted()


def test_columns_stream_together() -> None:
    first = writer()
    second = writer(channel=first.channel, column=1)
    with Columns([first, second]) as columns:
        for a, b in zip("abc", "xyz", strict=True):
            first.push(ord(a))
            second.push(ord(b))
        first.finish("length")
        second.finish("stop")
        assert list(columns) == [(0, "a"), (1, "x"), (0, "b"), (1, "y"), (0, "c"), (1, "z")]
        assert columns.finishes == ["length", "stop"]

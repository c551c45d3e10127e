"""Summaries that a model writes: of a text that it can see at once, or of summaries of its parts.

Knows the prompt of CamelBell, which its adapters were trained on, and one of the hub's own for every other model.
Headline, key phrases and evidence are the embedded engine's, and say so.
"""

from collections.abc import Iterator
from dataclasses import replace

from models import engine_for
from models.embedded.summary import style_of
from models.engine import GenOptions, Message, Summary, SummaryOptions, Voice
from models.errors import BadInput
from models.prompted.split import parts
from models.prompted.support import support
from models.prompted.wording import family, filled, language, room
from models.prompted.writing import Prompt, write
from models.task import Task

# Tokens of a text that a model is given at once, also where its context is longer: the keys and values of 6,000 tokens
# take 0.8 GiB in a 4B model, and what stands in the middle of much longer prompts is overlooked.
PART_TOKENS = 6_000
SHORTER = 3  # the summary of a part may have 1/3 of its tokens, so that every round of merging shortens


def summarize(voice: Voice, text: str, size: SummaryOptions, options: GenOptions, task: Task) -> Iterator[Summary]:
    """The growing summary; while parts are read, theirs so far with a note. The last one is whole and has evidence.

    Raises BadInput("empty_text"), BadInput("too_long") for a context too small to read in, ModelUnavailable,
    Cancelled.
    """
    if not text.strip():
        raise BadInput("empty_text")
    options = _options(voice, options)
    made = replace(_framed(voice, text, size, task), text="")
    left = min(PART_TOKENS, room(voice, _words(voice, text, "", size), options))
    body, done = text, 0
    while len(pieces := parts(body, left, voice.count, task)) > 1:
        short = replace(options, max_new_tokens=max(16, min(options.max_new_tokens, left // SHORTER)))
        told: list[str] = []
        for piece in pieces:
            task.step(done / (done + len(pieces) - len(told) + 1), "summary.step.part")
            for written in write(voice, prompt(voice, piece.text, size), short, task):
                yield replace(made, text="\n".join([*told, written.text]).strip(), note="summary.part")
            told.append(written.text)
            done += 1
        body = "\n".join(filter(None, told))
        if not body:  # a model that has nothing to say of any part has nothing to say
            break
    yield from _last(voice, text, body, size, made, options, task)


def prompt(voice: Voice, text: str, size: SummaryOptions) -> Prompt:
    """How a voice is asked for a summary: CamelBell in its own words, to the letter; any other in the hub's."""
    words = _words(voice, text, text, size)
    return words if family(voice.origin) == "camelbell" else [Message("user", words)]


def _last(
    voice: Voice, text: str, body: str, size: SummaryOptions, made: Summary, options: GenOptions, task: Task
) -> Iterator[Summary]:
    """The summary itself, of the text or of the summaries of its parts."""
    task.step(0.0, "summary.step.write")
    if body:
        for written in write(voice, prompt(voice, body, size), options, task):
            made = replace(made, text=written.text, note=written.note)
            yield made
    task.step(1.0)
    yield replace(made, evidence=support(text, made.text, task))


def _framed(voice: Voice, text: str, size: SummaryOptions, task: Task) -> Summary:
    """What the embedded engine says of a text, under the name of the voice that is to write the rest."""
    task.step(0.0, "summary.step.headline")
    chosen: Summary = engine_for("summarize").summarize(text, size, task.aside())
    return replace(chosen, origin=voice.origin, evidence=(), aside=chosen.origin)


def _options(voice: Voice, options: GenOptions) -> GenOptions:
    """CamelBell was always read greedily, and goes on with a next instruction if it is let."""
    if family(voice.origin) == "camelbell":
        return replace(options, temperature=0.0, stop=(*options.stop, "Instruction:"))
    return options


def _words(voice: Voice, text: str, put_in: str, size: SummaryOptions) -> str:
    """The prompt for a text as plain words, with `put_in` in the place of the text."""
    if family(voice.origin) == "camelbell":
        return filled("camelbell-summary", {"text": put_in})
    lang = language(text)
    values = {"text": put_in, "length": _length(size, lang), "kind": _kind(text, size, lang)}
    return filled(f"summary.{lang}", values)


def _length(size: SummaryOptions, lang: str) -> str:
    if lang == "en":
        return f"at most {size.size} {size.unit}"
    return f"不超过{size.size}{'句话' if size.unit == 'sentences' else '个字'}"


def _kind(text: str, size: SummaryOptions, lang: str) -> str:
    style = style_of(text) if size.style == "auto" else size.style
    names = {"zh": {"article": "文章", "dialogue": "对话"}, "en": {"article": "text", "dialogue": "conversation"}}
    return names[lang][style]

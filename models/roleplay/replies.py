"""A reply by a model that writes: streamed in character, ended where somebody else would speak, with its trace.

Knows a Voice and a Prompt; how the prompt came about is `compose`, what is taken off the answer is `output`. The same
function serves the modes: a reply, more of the last one, the narrator's turn. Suggestions are for the visitor.
"""

import re
from collections.abc import Callable, Collection, Iterator
from contextlib import closing
from dataclasses import dataclass, replace

from models.engine import FinalPrompt, GenOptions, Message, Reply, Voice
from models.prompted.wording import filled
from models.prompted.writing import visible
from models.prompted.writing import write as generate
from models.roleplay.compose import Ask, Prompt
from models.roleplay.output import clean, growing
from models.roleplay.turns import MAX_ROLE, NARRATOR, NARRATORS
from models.spec import Evidence
from models.task import Task

OPTIONS = GenOptions(max_new_tokens=300, temperature=0.8, top_p=0.9, repetition_penalty=1.05)
# Haruhi-Zero's own settings in its demos: greedy, and a penalty that a greedy model of its size needs
OPTIONS_BY_FORM = {"haruhi-zero": GenOptions(max_new_tokens=300, temperature=0, repetition_penalty=1.3)}
_SUGGESTED = 3
_MAX_SUGGESTION = 120  # characters
_FRAME = 160  # tokens for the words of the summary's prompt and the marks of a chat format
_SHORTEST = 200  # characters
_NUMBER = re.compile(r"^\s*(?:[-*•·]|\d{1,2}[.、)）:：]|[（(]\d{1,2}[)）])\s*")


@dataclass(frozen=True, slots=True)
class RoleReply:
    """The reply so far and what it rests on; the last one is whole."""

    reply: Reply
    prompt: Prompt
    note: str = ""  # i18n key of why it ended, "" while it grows and when it came to its own end


def options_for(form: str) -> GenOptions:
    """How a model of that prompt format picks its tokens when nobody says otherwise."""
    return OPTIONS_BY_FORM.get(form, OPTIONS)


def with_stops(options: GenOptions, prompt: Prompt) -> GenOptions:
    """The options with the prompt's stops; what `reply` asks the voice for, and what a prompt view must show."""
    return replace(options, stop=tuple(dict.fromkeys((*options.stop, *prompt.stops))))


def final_prompt(voice: Voice, prompt: Prompt, options: GenOptions) -> FinalPrompt:
    """To the letter what the model would see. Raises BadInput when not even the last message fits."""
    return voice.final_prompt(prompt.content, with_stops(options, prompt))


def reply(voice: Voice, prompt: Prompt, ask: Ask, options: GenOptions, task: Task) -> Iterator[RoleReply]:
    """The growing answer of the character, or of the narrator in that mode; Origin neural, the scenes as evidence.

    In the mode "continue" the text is what follows the last turn, without repeating its end. Closing the iterator
    stops the model. Raises BadInput, ModelUnavailable, Cancelled.
    """
    own, others = _names(ask)
    told = evidence(prompt)
    shown, note = Reply("", voice.origin, told), ""
    with closing(generate(voice, prompt.content, with_stops(options, prompt), task)) as texts:
        notes: list[str] = []
        for said in growing(_noted(texts, notes), own, others):
            text = _beyond(ask, said.text)
            if text != shown.text:
                shown = Reply(text, voice.origin, told)
                yield RoleReply(shown, prompt)
        note = notes[-1] if notes else ""
    yield RoleReply(replace(shown, confident=bool(shown.text)), prompt, note)


def suggestions(voice: Voice, prompt: Prompt, ask: Ask, options: GenOptions, task: Task) -> tuple[str, ...]:
    """Up to three different lines that the visitor could say next, for a prompt of the mode "suggest".

    Raises as `reply`.
    """
    text = ""
    for written in generate(voice, prompt.content, with_stops(options, prompt), task):
        text = written.text
    lines = (clean(_NUMBER.sub("", line), (ask.role, "你", "我")) for line in visible(text).split("\n"))
    plain = (line.strip(' "“”「」') for line in lines)
    return tuple(dict.fromkeys(line[:_MAX_SUGGESTION] for line in plain if line))[:_SUGGESTED]


def digester(voice: Voice, lang: str, task: Task) -> Callable[[str], str]:
    """What `history.roll` needs to sum up old turns with this model: greedy, short, what does not fit left out."""
    options = GenOptions(max_new_tokens=160, temperature=0)
    room = voice.n_context - min(options.max_new_tokens, voice.n_context // 2) - _FRAME

    def write(text: str) -> str:
        while voice.count(text) > room and len(text) > _SHORTEST:  # the oldest part goes; an earlier summary leads it
            text = text[len(text) // 8 :]
        asked = Message("user", filled(f"roleplay-digest.{'en' if lang == 'en' else 'zh'}", {"text": text}))
        return next(reversed([written.text for written in generate(voice, [asked], options, task)]), "")

    return write


def evidence(prompt: Prompt) -> tuple[Evidence, ...]:
    """The scenes that the model was shown, best first."""
    kept = (one for recall in prompt.recalls for one in recall.candidates if one.kept)
    return tuple(Evidence(one.text, one.score, one.title) for one in kept)


def _noted(texts: Iterator, notes: list[str]) -> Iterator[str]:  # type: ignore[type-arg]
    """The texts alone; why the last one ended is put aside."""
    for written in texts:
        notes.append(written.note)
        yield written.text


def _names(ask: Ask) -> tuple[Collection[str], Collection[str]]:
    """Who is speaking now, and who is not: their line would end the reply."""
    pack = ask.pack
    people = {ask.role, *pack.roles, *(turn.speaker for turn in ask.turns)}
    people |= {line.role for scene in pack.scenes for line in scene.lines if line.role and len(line.role) <= MAX_ROLE}
    character = {name for name in (pack.speaker, pack.name.zh, pack.name.en, *pack.aliases) if name}
    if ask.mode == "narrate":
        return NARRATORS | {NARRATOR}, people | character
    return character, people - character - NARRATORS


def _beyond(ask: Ask, text: str) -> str:
    """In the mode "continue": the text without the end of the last turn, should the model begin by repeating it."""
    if ask.mode != "continue" or not ask.turns:
        return text
    before = ask.turns[-1].text
    overlap = next((size for size in range(min(len(before), len(text)), 3, -1) if before.endswith(text[:size])), 0)
    return text[overlap:]

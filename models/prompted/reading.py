"""Answers that a model writes about a passage, with the question in other words before them, as Luotuo-QA did.

Luotuo-QA was trained to say the question again and then answer it («answer completion»); its prompt is here to the
letter, and its further columns: `direct`, where the question as it is stands in the place of the rewritten one, and
`answer` asked once more with the rewritten question. Other models get the hub's own prompt for the same two fields.
Where an answer stands, and the sentences beside it, are found by the embedded engine.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from models import engine_for
from models.embedded.text import sentences
from models.embedded.vectors import HashedEmbedder
from models.engine import Answer, GenOptions, Message, Voice
from models.prompted.parse import Told, refuses, told
from models.prompted.split import parts
from models.prompted.support import locate
from models.prompted.wording import family, filled, language, room
from models.prompted.writing import Prompt, write
from models.spec import Evidence
from models.task import Task

GAP = "\n……\n"  # stands where parts of a passage were left out
PASSAGE_TOKENS = 6_000  # of a passage that a model is given, also where its context is longer; see summary.PART_TOKENS
STRETCHES = 12  # a passage that is too long is cut into stretches so small that about so many of them fit
FEW = 12  # characters; before that many a growing text may still turn out to be a marker


@dataclass(frozen=True, slots=True)
class Question:
    """A question that is ready to be asked: what the model may see of the passage, and what the reader found in it."""

    passage: str
    question: str
    excerpt: str
    found: Answer  # the embedded reader's own answer


def prepare(voice: Voice, passage: str, question: str, options: GenOptions, task: Task) -> Question:
    """Reads the passage with the embedded reader and cuts it to what the model can see.

    Raises BadInput("empty_text"), BadInput("empty_question"), BadInput("too_long"), Cancelled.
    """
    found: Answer = engine_for("answer").answer(passage, question, task.aside())
    left = min(PASSAGE_TOKENS, room(voice, _words(voice, "", question, direct=False), options))
    return Question(passage, question, _excerpt(voice, passage, question, left, found, task), found)


def answer(voice: Voice, asked: Question, options: GenOptions, task: Task) -> Iterator[Answer]:
    """The question in other words, then the answer, both growing; the last one is placed in the passage.

    Raises BadInput, ModelUnavailable, Cancelled.
    """
    if family(voice.origin) == "luotuo-qa":
        options = replace(options, temperature=0.0, stop=(*options.stop, "\nEND"))
    last, note = Told("", ""), ""
    for written in write(voice, prompt(voice, asked.excerpt, asked.question), options, task):
        last, note = told(written.text), written.note
        if last.rewritten or len(written.text) > FEW:
            yield _answer(voice, asked, last)
    yield _placed(_answer(voice, asked, last), asked, note)


def direct(voice: Voice, asked: Question, options: GenOptions, task: Task) -> Iterator[Answer]:
    """The answer to the question as it is, growing. Raises BadInput, ModelUnavailable, Cancelled.

    The original began the model's answer for it and sampled with top_p 0.4 at temperature 0.95; so does this, for
    its adapter.
    """
    begun = ""
    if family(voice.origin) == "luotuo-qa":
        begun = f"问题转义为:{asked.question}\n答案为:"
        options = replace(options, temperature=0.95, top_p=0.4, stop=(*options.stop, "\nEND"))
    last, note = Told("", ""), ""
    for written in write(voice, prompt(voice, asked.excerpt, asked.question, direct=True), options, task):
        last, note = told(f"{begun}{written.text}"), written.note
        yield _answer(voice, asked, Told("", last.answer))
    yield _placed(_answer(voice, asked, Told("", last.answer)), asked, note)


def prompt(voice: Voice, passage: str, question: str, *, direct: bool = False) -> Prompt:
    """How a voice is asked; a plain string, to the letter, for the adapter of Luotuo-QA."""
    words = _words(voice, passage, question, direct=direct)
    return words if family(voice.origin) == "luotuo-qa" else [Message("user", words)]


def _words(voice: Voice, passage: str, question: str, *, direct: bool) -> str:
    values = {"passage": passage, "question": question}
    if family(voice.origin) == "luotuo-qa":
        return filled("luotuo-qa", values) + (f"问题转义为:{question}\n答案为:" if direct else "")
    return filled(f"qa{'-direct' if direct else ''}.{language(question)}", values)


def _answer(voice: Voice, asked: Question, last: Told) -> Answer:
    """An answer before it is placed; its evidence is what the embedded reader thinks the best sentences."""
    return Answer(last.answer, -1, -1, None, "", voice.origin, asked.found.evidence, rewritten=last.rewritten)


def _placed(made: Answer, asked: Question, note: str) -> Answer:
    """The finished answer: none where the model says so, else where it stands, with its own sentence first."""
    if not made.text or refuses(made.text):
        return replace(made, text="", note=note)
    start, end = locate(asked.passage, made.text, asked.found.evidence)
    if start < 0:
        return replace(made, note=note or "qa.not_literal")
    cut = "" if asked.excerpt == asked.passage else "qa.excerpt"
    others = [piece for piece in made.evidence if not (piece.start <= start and end <= piece.end)]
    own = [
        Evidence(piece.text, 1.0, start=piece.start, end=piece.end)
        for piece in sentences(asked.passage)
        if piece.start <= start and end <= piece.end
    ]
    return replace(made, start=start, end=end, evidence=(*own, *others), note=note or cut)


def _excerpt(voice: Voice, passage: str, question: str, left: int, found: Answer, task: Task) -> str:
    """The whole passage when it fits, else the stretches nearest to the question, in the order of the passage."""
    if voice.count(passage) <= left:
        return passage
    stretches = parts(passage, max(1, left // STRETCHES), voice.count, task)
    embedder = HashedEmbedder()
    rows = embedder.sparse([question, *(piece.text for piece in stretches)], task)
    scores = (rows[1:] @ rows[0].T).toarray().ravel()
    for rank, piece in enumerate(found.evidence):
        scores += [(3 - rank) * (part.start <= piece.start < part.end) for part in stretches]
    taken: list[int] = []
    for at in sorted(range(len(stretches)), key=lambda at: -scores[at]):
        cost = voice.count(stretches[at].text) + voice.count(GAP)
        if cost <= left:
            left -= cost
            taken.append(at)
        else:
            break
    return GAP.join(stretches[at].text for at in sorted(taken))

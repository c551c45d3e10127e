"""How good conversation by retrieval is: known questions asked in other words, and lines of characters held out.

    python -m benchmarks.quality_dialogue

Probes are in dialogue_probes.json, written for this purpose; the floor of confidence was set on `inside` and `outside`,
and `…_check` was written afterwards. Of the character packs a fifth of the pairs is held out: the question is the line
before, the true reply the character's own; ROUGE-L of the retrieved reply, averaged over the packs.
"""

import json
import math
import random
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from statistics import fmean

from benchmarks.quality import DATA, Row
from benchmarks.rouge import rouge
from models.embedded.dialogue import Knowledge, Line, Scene, Scenes, embedded_knowledge, parse_scenes
from models.embedded.scenes import Place
from models.embedded.text import ngrams, words
from models.engine import Message, Reply
from models.task import Task

PROBES = Path(__file__).with_name("dialogue_probes.json")
PACKS = ("haruhi", "liyunlong", "wangduoyu", "tangshiye", "Megumi", "Sheldon", "wanderer")
FOLDS = 5
PER_FOLD = 60  # held-out pairs asked in each fold of a pack, so that small packs are not drowned

Finder = Callable[[Place], str]  # a held-out place → the reply that is found for it


def measure(data: Path, limit: int | None) -> list[Row]:
    """All figures; `limit` is how many held-out lines are asked in each fold of a pack."""
    return [*_knowledge_rows(), *_scene_rows(data / "haruhi", min(limit or PER_FOLD, PER_FOLD))]


def _knowledge_rows() -> list[Row]:
    probes = json.loads(PROBES.read_text(encoding="utf-8"))
    started = time.process_time()
    knowledge = embedded_knowledge()
    loaded = 1000 * (time.process_time() - started)
    rows = []
    for part, name, right_floor, false_ceiling in (("", "tuned on", 80.0, 5.0), ("_check", "written after", 75.0, 8.0)):
        inside, outside = probes[f"inside{part}"], probes[f"outside{part}"]
        replies = [(_ask(knowledge, question), gold.split()) for question, gold in inside]
        right = sum(reply.confident and reply.evidence[0].source in gold for reply, gold in replies) / len(inside)
        wrong = sum(reply.confident and reply.evidence[0].source not in gold for reply, gold in replies) / len(inside)
        false = sum(_ask(knowledge, question).confident for question in outside) / len(outside)
        rows += [
            Row(f"Knowledge, answered right, {name}", right_floor, 100 * right, f"{len(inside)} paraphrases"),
            Row(f"Knowledge, answered wrong, {name}", None, 100 * wrong, "the rest is «no close answer»"),
            Row(f"Knowledge, false answers, {name}", None, 100 * false, f"{len(outside)} off topic, ≤ {false_ceiling}"),
        ]
    found = [_ask(knowledge, before, then).evidence[0].source == gold for before, then, gold in probes["follow_ups"]]
    started = time.process_time()
    for question, _ in probes["inside"]:
        _ask(knowledge, question)
    spent = 1000 * (time.process_time() - started) / len(probes["inside"])
    rows.append(Row("Knowledge, follow-ups right", 75.0, 100 * sum(found) / len(found), f"of {len(found)}"))
    return [*rows, Row("Knowledge, CPU ms a question", None, spent, f"load {loaded:.0f} ms")]


def _ask(knowledge: Knowledge, *questions: str) -> Reply:
    return knowledge.reply([Message("user", question) for question in questions], Task())


def _scene_rows(packs: Path, limit: int) -> list[Row]:
    """ROUGE-L of what each method finds, averaged over the packs; our floor is BM25 on the contexts."""
    scores: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    spent = 0.0
    for pack, kept, held, speaker in _folds(packs, limit):
        for name, method in METHODS.items():
            finder = method(kept, speaker)
            started = time.process_time()
            found = [finder(place) for place in held]
            spent += time.process_time() - started if name == "ours" else 0.0
            scores[name][pack] += [100 * rouge(line, place.line)[2] for place, line in zip(held, found, strict=True)]
    means = {name: {pack: fmean(values) for pack, values in by_pack.items()} for name, by_pack in scores.items()}
    average = {name: fmean(by_pack.values()) for name, by_pack in means.items()}
    rows = []
    for name, by_pack in means.items():
        note = ", ".join(f"{pack} {value:.1f}" for pack, value in by_pack.items())
        floor = average["BM25 on contexts"] if name == "ours" else None
        rows.append(Row(f"Scenes, held-out ROUGE-L, {name}", floor, average[name], note))
    asked = sum(map(len, scores["ours"].values()))
    return [*rows, Row("Scenes, CPU ms a reply", None, 1000 * spent / asked, f"{asked} held-out lines")]


def _folds(packs: Path, limit: int) -> Iterator[tuple[str, list[Place], list[Place], str]]:
    """Pack, stored places, held-out places, name of the character."""
    manifest = json.loads((packs / "_manifest.json").read_text(encoding="utf-8"))
    for pack in PACKS:
        speaker = manifest[pack]["role_short"]
        places = _read(packs / pack / "texts", speaker)
        for fold in range(FOLDS):
            kept = [place for at, place in enumerate(places) if at % FOLDS != fold]
            yield pack, kept, places[fold::FOLDS][:limit], speaker


def _read(folder: Path, speaker: str) -> list[Place]:
    """The character's answers in all scenes of a pack, in a fixed random order."""
    texts = [path.read_text(encoding="utf-8", errors="replace") for path in sorted(folder.glob("*.txt"))]
    places = list(Scenes([scene for text in texts for scene in parse_scenes(text)], speaker).places)
    random.Random(0).shuffle(places)
    return places


def _ours(kept: Sequence[Place], speaker: str) -> Finder:
    scenes = Scenes([_alone(at, place, speaker) for at, place in enumerate(kept)], speaker)

    def find(place: Place) -> str:
        before = [Message("assistant", place.earlier)] if place.earlier else []
        found = scenes.reply([*before, Message("user", place.context)], place.partner, task=Task())
        return found.scenes[0].line

    return find


def _alone(at: int, place: Place, speaker: str) -> Scene:
    """A scene that holds one place only."""
    lines = ((place.partner, place.earlier), (place.partner, place.context), (speaker, place.line))
    return Scene(str(at), tuple(Line(role, text, "speech") for role, text in lines if text))


def _bm25(kept: Sequence[Place], speaker: str) -> Finder:
    """BM25 on words and character bigrams of the contexts, k1 1.5 and b 0.75, as in reference implementations."""
    counts = [Counter(_terms(place.context)) for place in kept]
    holding: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for at, terms in enumerate(counts):
        for term, count in terms.items():
            holding[term].append((at, count))
    sizes = [sum(terms.values()) for terms in counts]
    mean = sum(sizes) / len(sizes)

    def find(place: Place) -> str:
        scores = [0.0] * len(kept)
        for term in set(_terms(place.context)):
            found = holding.get(term, ())
            idf = math.log(1 + (len(kept) - len(found) + 0.5) / (len(found) + 0.5))
            for at, count in found:
                scores[at] += idf * count * 2.5 / (count + 1.5 * (0.25 + 0.75 * sizes[at] / mean))
        return kept[max(range(len(kept)), key=scores.__getitem__)].line

    return find


def _terms(text: str) -> list[str]:
    return [*words(text), *ngrams(text, 2, 2)]


def _random(kept: Sequence[Place], speaker: str) -> Finder:
    chance = random.Random(0)
    return lambda place: chance.choice(kept).line


def _oracle(kept: Sequence[Place], speaker: str) -> Finder:
    """The best that any choice among 600 stored replies could reach."""
    return lambda place: max((one.line for one in kept[:600]), key=lambda line: rouge(line, place.line)[2])


METHODS: dict[str, Callable[[Sequence[Place], str], Finder]] = {
    "ours": _ours,
    "BM25 on contexts": _bm25,
    "random": _random,
    "oracle": _oracle,
}


if __name__ == "__main__":
    for row in measure(DATA, None):
        print(f"{row.name:48} {row.value:8.1f}  floor {row.floor}  {row.note}")

"""How good and how fast role-play is: memory, replies, pictures, speed; one line a figure.

    python -m benchmarks.haruhi                       the embedded engine, on the shipped characters and shared packs
    python -m benchmarks.haruhi --voice qwen3-4b      a model of the catalogue beside it
    python -m benchmarks.haruhi --packs               only how fast packs come in and open
    python -m benchmarks.haruhi --export contexts.jsonl   contexts in CharacterEval's form, for judges elsewhere

What is measured and how stands in haruhi_recovery, haruhi_pictures, haruhi_packs and haruhi_speed.
"""

import argparse
import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import fmean

from benchmarks import haruhi_pictures
from benchmarks.haruhi_data import Asked, folds, packs
from benchmarks.haruhi_packs import pack_rows
from benchmarks.haruhi_recovery import (
    Answer,
    Engine,
    conversation_rows,
    echo,
    embedded,
    neighbour_rows,
    recovery_rows,
    scene_rows,
)
from benchmarks.haruhi_speed import speed_rows
from benchmarks.quality import DATA, Row
from models import voice
from models.packs.pack import Pack
from models.roleplay.compose import Ask, compose
from models.roleplay.formats import format_for
from models.roleplay.replay import shelf_of
from models.roleplay.replies import options_for, reply
from models.roleplay.shelf import Shelf
from models.roleplay.turns import Turn
from models.task import Task

PER_FOLD = 20  # left-out lines asked in each of five folds of a pack
# what the best policy of the reference reached, and what the issue asks for: hits, different pictures, repeats
BEST = {"haruhi": (24, 19, 0.20), "liyunlong": (8, 43, 0.12)}


def measure(data: Path, per_fold: int = PER_FOLD, choice: str = "") -> Iterator[Row]:
    """All figures, as they come."""
    engines: dict[str, Engine] = {"embedded": embedded, "echo": echo}
    if choice:
        engines[choice] = spoken_by(choice)
    everyone, over_chance = list(packs(data)), dict[str, list[float]]()
    for pack in everyone:
        yield from recovery_rows(pack, engines, per_fold, over_chance)
        for name, engine in engines.items():
            if name != "echo":
                yield from conversation_rows(pack, name, engine)
        yield from scene_rows(pack, 5 * per_fold)
    for name, ratios in over_chance.items():
        yield Row(f"all packs: next line, MRR over chance, {name}", 1.0, fmean(ratios), f"{len(ratios)} packs")
    yield from _published(data)
    yield from pack_rows(data)
    yield from speed_rows([scene.text for pack in everyone[:3] for scene in pack.scenes])


def spoken_by(choice: str) -> Engine:
    """An engine that answers with a model of the catalogue."""

    def engine(pack: Pack) -> Answer:
        shelf = shelf_of(pack, Task())

        def answer(turns: Sequence[Turn], role: str) -> str:
            ask, task, form = Ask(pack, role, turns[-1].text, tuple(turns[:-1])), Task(), format_for(choice)
            options = options_for(form)
            with voice(choice, task) as speaker:
                prompt = compose(
                    ask, shelf, form=form, count=speaker.count, n_context=speaker.n_context,
                    reserve=options.max_new_tokens, task=task,
                )  # fmt: skip
                return list(reply(speaker, prompt, ask, options, task))[-1].reply.text

        return answer

    return engine


def _published(data: Path) -> Iterator[Row]:
    """Figures on the vectors that the original project published; none where they are absent."""
    for pack, (hits, used, repeats) in BEST.items():
        if not (data / "_precomputed_luotuo" / f"{pack}.jsonl").is_file():
            continue
        rows = [row for row in haruhi_pictures.figures(data, pack) if row.policy == "ours"]
        note = f"of {rows[0].possible}; means of {len(rows)} random orders, worst "
        yield Row(
            f"{pack}: pictures, hits", hits, fmean(one.hits for one in rows), note + str(min(o.hits for o in rows))
        )
        yield Row(
            f"{pack}: pictures in use", used, fmean(one.used for one in rows), f"worst {min(o.used for o in rows)}"
        )
        worst = f"worst {max(one.repeats for one in rows):.3f}"
        yield Row(f"{pack}: picture repeats", repeats, fmean(one.repeats for one in rows), worst, ceiling=True)
        texts, vectors = haruhi_pictures.scenes(data / "_precomputed_luotuo" / f"{pack}.jsonl")
        shelf = Shelf(tuple(map(str, range(len(texts)))), tuple(texts), vectors, "luotuo")
        yield from neighbour_rows(shelf, pack, _numbers(data / pack / "texts", texts))


def _numbers(folder: Path, texts: Sequence[str]) -> list[tuple[str, int] | None]:
    """Where each scene stands in its story: file names end in a running number."""
    names = {path.read_text(encoding="utf-8", errors="replace"): path.stem for path in folder.glob("*.txt")}
    found = (re.fullmatch(r"(.*?)(\d+)", names.get(text, "")) for text in texts)
    return [(one[1], int(one[2])) if one else None for one in found]


def export(data: Path, per_fold: int) -> Iterator[dict[str, object]]:
    """Left-out contexts with the reply of the embedded engine, in the fields of CharacterEval's test set."""
    for pack in packs(data):
        for kept, held in folds(pack):
            answer = embedded(kept)
            for place in held[:per_fold]:
                said = answer([Turn(place.partner, place.context)], place.partner)
                yield _context(pack, place) | {"model_output": said, "reference": place.line}


def _context(pack: Pack, place: Asked) -> dict[str, object]:
    lines = (*place.earlier, (place.partner, place.context))
    return {
        "role": pack.name.to(pack.language),
        "novel_name": pack.series.to(pack.language),
        "context": "".join(f"{role}：{text}\n" for role, text in lines),
    }


def main() -> None:
    """Prints the figures, or writes the contexts."""
    parser = argparse.ArgumentParser(description="Measures role-play.")
    parser.add_argument("--data", type=Path, default=DATA / "haruhi", help="folder of the original packs")
    parser.add_argument("--voice", default="", help="key of a model of the catalogue")
    parser.add_argument("--packs", action="store_true", help="only how fast packs come in and open")
    parser.add_argument("--per-fold", type=int, default=PER_FOLD, help="left-out lines asked in each fold")
    parser.add_argument("--export", type=Path, help="file for contexts in CharacterEval's form")
    given = parser.parse_args()
    if given.export:
        rows = (
            json.dumps({"id": at} | row, ensure_ascii=False)
            for at, row in enumerate(export(given.data, given.per_fold))
        )
        given.export.write_text("\n".join(rows) + "\n", encoding="utf-8")
        return
    rows = pack_rows(given.data) if given.packs else measure(given.data, given.per_fold, given.voice)
    for row in rows:
        mark = " " if row.holds else "!"
        print(
            f"{mark} {row.name:58} {row.value:8.3f}  {'' if row.floor is None else row.floor:<7} {row.note}", flush=True
        )


if __name__ == "__main__":
    main()

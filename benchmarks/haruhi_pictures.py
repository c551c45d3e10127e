"""Which picture goes with a reply, measured as haruhi.md §4 did, on the vectors that the original project published.

    python -m benchmarks.haruhi_pictures [folder of the packs]

Protocol: every scene of a pack is one reply, in a random order (numpy default_rng(seed).permutation, seeds 0, 1, …);
its vector is the published one of the whole scene, its words are the scene's text. Each time a picture is shown, as
when it is asked for. `used`: different pictures shown; `repeats`: share of turns whose picture was among the five
before; `hits`: turns whose picture has a caption that occurs in the scene, blanks left out of both, of `possible`
such scenes. Figures are means over the orders, with the worst order beside them. As exact captions are part of our
score, the rows without words say what the vectors alone give.
"""

import base64
import json
import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

import numpy as np

from models.roleplay.pictures import RECENT, Gallery, Shot, calibrated, choose, parts, words

PACKS = ("haruhi", "liyunlong")
DATA = Path(__file__).resolve().parents[2] / "shared" / "data" / "haruhi"
ORDERS = 20

Policy = Callable[[int, Sequence[int]], int]  # number of the scene, pictures shown lately → picture, -1 for none


@dataclass(frozen=True, slots=True)
class Figure:
    """One policy in one order."""

    pack: str
    policy: str
    order: int
    shown: int
    used: int
    repeats: float
    hits: int
    possible: int


def figures(packs: Path, pack: str, orders: int = ORDERS) -> list[Figure]:
    """Every policy in every order. Raises OSError where the pack's published vectors are absent."""
    texts, vectors = scenes(packs / "_precomputed_luotuo" / f"{pack}.jsonl")
    captions, rows = _captions(packs / "_legacy_jsonl" / pack / "image_embed.jsonl")
    said = np.array([[_plain(caption) in _plain(text) for caption in captions] for text in texts])
    chance = [np.random.default_rng(seed).permutation(len(texts)) for seed in range(orders)]
    found = []
    for name, policy in _policies(texts, vectors, captions, rows).items():
        found += [_run(pack, name, policy, order, said, seed) for seed, order in enumerate(chance)]
    return found


def _run(pack: str, name: str, policy: Policy, order: Sequence[int], said: np.ndarray, seed: int) -> Figure:
    shown: list[int] = []
    repeats = hits = 0
    for scene in order:
        at = policy(int(scene), shown)
        if at >= 0:
            repeats += at in shown[-RECENT:]
            hits += bool(said[scene, at])
            shown.append(at)
    possible = int(said.any(axis=1).sum())
    return Figure(pack, name, seed, len(shown), len(set(shown)), repeats / len(order), hits, possible)


def _policies(
    texts: Sequence[str], vectors: np.ndarray, captions: Sequence[str], rows: np.ndarray
) -> dict[str, Policy]:
    shots = tuple(Shot((caption,)) for caption in captions)
    gallery = calibrated(shots, rows, vectors, texts, "luotuo", ())
    likeness = [gallery.likeness(vectors[at : at + 1]) for at in range(len(texts))]
    told = [words(shots, parts(text)) for text in texts]
    raw = _unit(vectors) @ _unit(rows).T
    nothing = np.zeros(len(shots))

    def ours(heard: Sequence[np.ndarray], asked: bool) -> Policy:
        return lambda scene, shown: _chosen(gallery, likeness[scene], heard[scene], shown, asked)

    return {
        "original argmax": lambda scene, shown: int(raw[scene].argmax()),
        "centred argmax": lambda scene, shown: int(likeness[scene].argmax()),
        "ours": ours(told, True),
        "ours, without words": ours([nothing] * len(texts), True),
        "ours, only above the threshold": ours(told, False),
    }


def _chosen(gallery: Gallery, likeness: np.ndarray, told: np.ndarray, shown: Sequence[int], asked: bool) -> int:
    found = choose(gallery, likeness, told, shown, asked=asked)
    return found.index if found.why in ("matched", "asked") else -1


def scenes(path: Path) -> tuple[list[str], np.ndarray]:
    """Texts, and (n, 1536) vectors: base64 of big-endian float32."""
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()[2:]]
    vectors = [np.frombuffer(base64.b64decode(line["luotuo_openai"]), ">f4") for line in lines]
    return [line["text"] for line in lines], np.array(vectors, np.float32)


def _captions(path: Path) -> tuple[list[str], np.ndarray]:
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return [next(iter(line)) for line in lines], np.array([next(iter(line.values())) for line in lines], np.float32)


def _plain(text: str) -> str:
    return re.sub(r"\s+", "", text)


def _unit(rows: np.ndarray) -> np.ndarray:
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def main(packs: Path) -> None:
    """Prints one line for every pack and policy."""
    for pack in PACKS:
        found = figures(packs, pack)
        for policy in dict.fromkeys(row.policy for row in found):
            rows = [row for row in found if row.policy == policy]
            hits, used = [row.hits for row in rows], [row.used for row in rows]
            repeats = [row.repeats for row in rows]
            print(
                f"{pack:10} {policy:32} shown {fmean(row.shown for row in rows):6.1f}  used {fmean(used):5.1f} (worst "
                f"{min(used)})  repeats {fmean(repeats):.3f} (worst {max(repeats):.3f})  hits {fmean(hits):5.1f} "
                f"(worst {min(hits)}) of {rows[0].possible}"
            )


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else DATA)

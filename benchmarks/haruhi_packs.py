"""How fast packs come in and open: import in MB/s, opening in CPU seconds. On generated text, and on the originals.

The generated pack is as large as 于谦's, the largest of the originals: 1,726 scenes of seven lines, 1,536 numbers a
scene. Import is reading and linting; its rate is bytes of the file over CPU seconds of this process, best of several
runs. Opening is from a store in a new state, files in the system's cache, to a Pack with its vectors mapped.
"""

import random
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmarks.haruhi_data import PACKS
from benchmarks.quality import Row
from models.packs import Pack, PackStore, read_bytes, read_pack, write_hub, write_zip
from models.packs.folder import scenes_of
from models.packs.lines import scene
from models.packs.lint import Lint
from models.packs.pack import Bilingual, Vectors
from models.packs.vectors import LUOTUO, with_mean
from models.task import Task

N, DIM, LINES = 1_726, 1_536, 7
MIN_RATE, MAX_OPEN_S = 20.0, 0.2
_WORDS = "骆驼沙漠水井星星路标商队风声夜里明天走得很慢你说呢我不知道也许前面就是绿洲再喝一口吧"
_ROLES = ("骆驼", "小狐", "旁白", "商人")


def generated() -> Pack:
    """A pack of nonsense with the measures of a large original: both colons, stage directions now and then."""
    dice, numbers = random.Random(0), np.random.default_rng(0)

    def line() -> str:
        said = "".join(dice.choices(_WORDS, k=dice.randint(6, 24)))
        role, colon = dice.choice(_ROLES), dice.choice(":：")
        return f"{role}{colon}「{said}。」{'（点头）' if dice.random() < 0.02 else ''}\n"

    texts = ["".join(line() for _ in range(LINES)) for _ in range(N)]
    rows = numbers.normal(size=(N, DIM)).astype(np.float32)
    return Pack(
        id="bench", name=Bilingual("骆驼"), speaker="骆驼", persona=Bilingual("你正在扮演骆驼。"),
        scenes=tuple(scene(str(at + 1), text) for at, text in enumerate(texts)),
        vectors={LUOTUO: with_mean(Vectors(LUOTUO, scenes=rows))},
    )  # fmt: skip


def pack_rows(data: Path) -> Iterator[Row]:
    """All figures, as they come."""
    pack = generated()
    texts = [(one.title, one.raw) for one in pack.scenes]
    yield _rate("text parsed and linted", _size(texts), lambda: scenes_of(texts, Lint()))
    originals = [pair for key in PACKS for pair in _texts(data / key)]
    if originals:
        yield _rate("originals' text parsed and linted", _size(originals), lambda: scenes_of(originals, Lint()))
    hub = write_hub(pack)
    yield _rate("jsonl of 2.0 with vectors", len(hub), lambda: read_bytes(hub, "x.jsonl", Task()))
    plain = write_zip(_without_vectors(pack))
    unpacked = _size(texts)
    yield _rate("zip of 1,726 files, by its text", unpacked, lambda: read_bytes(plain, "x.zip", Task()), floor=None)
    with tempfile.TemporaryDirectory() as folder:
        yield from _opening(pack, Path(folder))
    if originals:
        sizes = sum(path.stat().st_size for key in PACKS for path in (data / key / "texts").glob("*.txt"))
        name = "originals' folders, 1,165 files, by their text"
        yield _rate(name, sizes, lambda: [read_pack(data / key, Task()) for key in PACKS], floor=None)


def _opening(pack: Pack, root: Path) -> Iterator[Row]:
    PackStore(root).save(pack)
    spent = min(_cpu(lambda: PackStore(root).open("bench")) for _ in range(5))
    note = f"{N} scenes of {LINES} lines, {N} × {DIM} vectors mapped"
    yield Row("packs: opening 1,726 scenes, CPU s", MAX_OPEN_S, spent, note, ceiling=True)
    listed = min(_cpu(lambda: PackStore(root).list()) for _ in range(5))
    yield Row("packs: listing one such pack, CPU s", None, listed, "")


def _rate(name: str, n_bytes: int, work: Callable[[], object], floor: float | None = MIN_RATE) -> Row:
    work()
    spent = min(_cpu(work) for _ in range(5))
    note = f"{n_bytes / 1e6:.2f} MB in {1e3 * spent:.0f} ms"
    return Row(f"packs: import of {name}, MB/s", floor, n_bytes / 1e6 / spent, note)


def _cpu(work: Callable[[], object]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started


def _size(texts: list[tuple[str, str]]) -> int:
    return sum(len(text.encode("utf-8")) for _, text in texts)


def _texts(folder: Path) -> Iterator[tuple[str, str]]:
    for path in sorted((folder / "texts").glob("*.txt")):
        yield f"texts/{path.name}", path.read_bytes().decode("utf-8")


def _without_vectors(pack: Pack) -> Pack:
    return replace(pack, vectors={})

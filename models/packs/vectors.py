"""Stored vectors: numbers from files into matrices whose rows follow the scenes and pictures of a pack, checked.

Knows the 1.0 files ({"title｜｜｜text": [floats]} and {"caption": [floats]} on lines) and which model a column of the
Hub files means. Vectors that are incomplete, of mixed width, or hold NaN are left out with a finding: half a matrix is
no use to retrieval, which embeds anew. The 2.0 set put ada-002 and Luotuo into one column; Luotuo's rows are not of
unit length and ada's are, which tells them apart.
"""

import base64
import binascii
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from models.packs.fields import parse_json
from models.packs.lint import Lint
from models.packs.pack import Pack, Picture, Vectors
from models.packs.reading import bilingual, text_of
from models.task import Task

if TYPE_CHECKING:
    import numpy as np

__all__ = ["ADA", "COLUMNS", "LUOTUO", "add_vectors", "decode_row", "encode_row", "matrix", "read_embeds", "with_mean"]

LUOTUO, ADA = "silk-road/luotuo-bert-medium", "text-embedding-ada-002"
COLUMNS = {  # of Hub files → the model
    "luotuo_openai": LUOTUO,
    "bge_zh_s15": "BAAI/bge-small-zh-v1.5",
    "bge_en_s15": "BAAI/bge-small-en-v1.5",
    "bce_base": "maidalun1020/bce-embedding-base_v1",
}
MAX_DIM = 8192
SEPARATOR = "｜｜｜"
Row = Sequence[float] | bytes | None  # bytes: big-endian float32


def decode_row(text: str) -> bytes | None:
    """The bytes of big-endian float32 in base64; None when it is neither."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return data if data and len(data) % 4 == 0 and len(data) <= 4 * MAX_DIM else None


def encode_row(row: "np.ndarray") -> str:
    """A vector as the Hub files hold it."""
    return base64.b64encode(row.astype(">f4").tobytes()).decode("ascii")


def matrix(rows: Sequence[Row], file: str, name: str, lint: Lint) -> "np.ndarray | None":
    """(len(rows), dim) float32, read-only; None, with a finding, unless every row is there, finite and as wide."""
    import numpy as np

    given = [row for row in rows if row is not None]
    if len(given) < len(rows) or not given:
        if given:
            lint.add("incomplete_vectors", file, name=name, have=len(given), want=len(rows))
        return None
    widths = {len(row) // 4 if isinstance(row, bytes) else len(row) for row in given}
    if len(widths) > 1:
        lint.add("bad_vectors", file, excerpt=name, name=name)
        return None
    with np.errstate(all="ignore"):
        if isinstance(given[0], bytes):
            flat = np.frombuffer(b"".join(row for row in given if isinstance(row, bytes)), ">f4")
            made = flat.astype(np.float32).reshape(len(given), -1)
        else:
            made = np.array(given, np.float32)
        norms = np.linalg.norm(made.astype(np.float64), axis=1)
    if not np.isfinite(made).all() or not (norms > 0).all():
        lint.add("bad_vectors", file, excerpt=name, name=name)
        return None
    made.flags.writeable = False
    return made


def with_mean(vectors: Vectors) -> Vectors:
    """The same with the means of both sides, which retrieval takes off before any cosine."""
    import numpy as np

    def mean(rows: "np.ndarray | None") -> "np.ndarray | None":
        return None if rows is None or not len(rows) else np.asarray(rows.mean(axis=0), np.float32)

    return replace(vectors, scene_mean=mean(vectors.scenes), caption_mean=mean(vectors.captions))


def add_vectors(pack: Pack, vectors: Vectors) -> Pack:
    """The pack with these vectors beside the others; a side that they lack stays as it is known for that embedder."""
    known = pack.vectors.get(vectors.embedder)
    if known is not None:
        scenes = known.scenes if vectors.scenes is None else vectors.scenes
        captions = known.captions if vectors.captions is None else vectors.captions
        vectors = replace(vectors, scenes=scenes, captions=captions)
    return replace(pack, vectors={**pack.vectors, vectors.embedder: with_mean(vectors)})


def embedder_of(column: str, rows: "np.ndarray") -> str:
    """Which model a matrix of a column is from; an unknown column names itself."""
    import numpy as np

    if column == "luotuo_openai" and rows.shape[1] == 1536:
        return ADA if np.abs(np.linalg.norm(rows, axis=1) - 1).max() < 1e-3 else LUOTUO
    return COLUMNS.get(column, column)


def read_embeds(data: bytes, file: str, pack: Pack, lint: Lint, task: Task) -> Pack:
    """The pack with the vectors of a 1.0 file: of scenes when its keys hold a ｜｜｜, else of captions.

    A pack without scenes (without pictures) gets them from the file; pictures then are captions without a file.
    """
    rows = _embed_rows(text_of(data, file, lint, task) or "", file, lint, task)
    if any(SEPARATOR in key for key in rows):
        return _scene_rows(rows, file, pack, lint)
    return _caption_rows(rows, file, pack, lint)


def _embed_rows(text: str, file: str, lint: Lint, task: Task) -> dict[str, list[float]]:
    rows: dict[str, list[float]] = {}
    for number, line in enumerate(text.split("\n"), 1):
        task.check()
        if not line.strip():
            continue
        try:
            row = parse_json(line)
        except ValueError:
            row = None
        good = isinstance(row, dict) and {key: values for key, values in row.items() if is_vector(values)}
        if not good:
            lint.add("bad_row", file, number, line[:60])
            continue
        rows.update(good)
    return rows


def is_vector(values: Any) -> bool:  # noqa: ANN401  (whatever JSON holds)
    """Whether a JSON value is a list of finite numbers."""
    return (
        isinstance(values, list)
        and 0 < len(values) <= MAX_DIM
        and all(isinstance(one, int | float) and not isinstance(one, bool) for one in values)
        and all(math.isfinite(one) for one in values)
    )


def _scene_rows(rows: Mapping[str, list[float]], file: str, pack: Pack, lint: Lint) -> Pack:
    from models.packs.folder import scenes_of

    split = [(*key.split(SEPARATOR, 1), values) for key, values in rows.items() if SEPARATOR in key]
    if not pack.scenes:
        scenes = scenes_of([(title, text, file) for title, text, _ in split], lint)
        pack = replace(pack, scenes=tuple(scenes))
    by_text = {_squeezed(text): values for _, text, values in split}
    by_title = {title.strip(): values for title, _, values in split}
    found = [by_text.get(_squeezed(scene.raw)) or by_title.get(scene.title.strip()) for scene in pack.scenes]
    return _added(pack, file, found, None, lint)


def _caption_rows(rows: Mapping[str, list[float]], file: str, pack: Pack, lint: Lint) -> Pack:
    if not pack.pictures and rows:
        lint.add("picture_missing", file, name=len(rows))
        made = [Picture(f"{at + 1}.jpg", bilingual(caption.strip()), b"") for at, caption in enumerate(rows)]
        pack = replace(pack, pictures=tuple(made))
    known = {caption.strip(): values for caption, values in rows.items()}
    found = [known.get(picture.file.rpartition(".")[0].strip()) or _of(picture, known) for picture in pack.pictures]
    return _added(pack, file, None, found, lint)


def _of(picture: Picture, known: Mapping[str, list[float]]) -> list[float] | None:
    return known.get(picture.caption.zh.strip()) or known.get(picture.caption.en.strip())


def _added(pack: Pack, file: str, scenes: list[Any] | None, captions: list[Any] | None, lint: Lint) -> Pack:
    rows = matrix(scenes or captions or [], file, "luotuo_openai", lint)
    if rows is None:
        return pack
    embedder = embedder_of("luotuo_openai", rows)
    side = {"scenes": rows} if scenes is not None else {"captions": rows}
    return add_vectors(pack, Vectors(embedder, **side))


def _squeezed(text: str) -> str:
    """A text without the differences that writing it into a file may make."""
    return "".join(text.split()).strip("\ufeff")

"""The jsonl of ChatHaruhi 2.0 and 3.0, as on the model hub: one row a scene with its vectors. Read and written.

    {"text": <system prompt>, "luotuo_openai": "system_prompt"}
    {"text": "Reserve Config Setting Here", "luotuo_openai": "config"}
    {"text" | "enc_text" (base64 of UTF-8): <scene>, "luotuo_openai": base64 of big-endian float32, "bge_zh_s15": …}

The hub adds what the format lacks where the originals do not look: the titles of scenes as "title", everything else as
"luotuo" in the config row. Pictures do not fit in. Knows the rows; what a vector is knows models/packs/vectors.py.
"""

import base64
import binascii
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from models.packs.fields import parse_json, to_json
from models.packs.folder import persona_names, scenes_of
from models.packs.lint import Lint
from models.packs.meta import apply_fields, meta_of
from models.packs.pack import Pack, Vectors
from models.packs.reading import bilingual, language_of, partners, slug, speaker_of
from models.packs.vectors import ADA, COLUMNS, LUOTUO, add_vectors, decode_row, embedder_of, encode_row, matrix
from models.task import Task

if TYPE_CHECKING:
    import numpy as np

__all__ = ["is_hub_row", "read_hub", "write_hub"]

CONFIG = "Reserve Config Setting Here"
SYSTEM_ROW, CONFIG_ROW = "system_prompt", "config"
_OWN = ("text", "enc_text", "title", "luotuo")
_MAX_COLUMNS = 12


@dataclass
class _Rows:
    """What the rows hold, while they are read."""

    persona: str = ""
    meta: object = None
    texts: list[tuple[str, str]] = field(default_factory=list)  # title, text
    columns: dict[str, dict[int, bytes]] = field(default_factory=dict)  # column → index of the scene → vector


def is_hub_row(row: object) -> bool:
    """Whether a JSON value is a row of such a file: a text and a column of an embedder."""
    if not isinstance(row, dict) or not ("text" in row or "enc_text" in row) or "role" in row:
        return False
    others = [value for key, value in row.items() if key not in _OWN]
    return (
        bool(set(row) & set(COLUMNS)) or any(isinstance(v, str) and len(v) > 300 for v in others) or "enc_text" in row
    )


def read_hub(text: str, file: str, lint: Lint, task: Task) -> Pack:
    """A pack of the rows. Rows that are none are noted and left out. Raises Cancelled."""
    rows = _Rows()
    lines = text.split("\n")
    for number, line in enumerate(lines, 1):
        task.step(0.8 * number / len(lines))
        if line.strip():
            _take(line, number, file, rows, lint)
    scenes = scenes_of([(title, text, file) for title, text in rows.texts], lint)
    names, series = persona_names(rows.persona)
    stem = file.rpartition("/")[2].rpartition(".")[0] or file
    speaker = speaker_of(scenes, [*names, stem]) or stem
    if not rows.persona.strip():
        lint.add("no_persona", file)
    if rows.meta is None:
        lint.add("speaker_guessed", file, name=speaker)
    display = next((name for name in names if speaker in name), names[0] if names else speaker)
    pack = Pack(
        id=slug(stem),
        name=bilingual(display),
        speaker=speaker,
        language=language_of([*(one.raw for one in scenes), rows.persona]),
        aliases=tuple(name for name in names if name not in (speaker, display)),
        persona=bilingual(rows.persona),
        scenes=tuple(scenes),
        roles=partners(scenes, [speaker, display, *names]),
        series=bilingual(series),
    )
    if len(scenes) == len(rows.texts):
        pack = _with_vectors(pack, rows.columns, file, lint)
    return pack if rows.meta is None else apply_fields(pack, rows.meta, lint, file)


def _take(line: str, number: int, file: str, rows: _Rows, lint: Lint) -> None:
    try:
        row = parse_json(line)
    except ValueError:
        row = None
    text = _text(row) if isinstance(row, dict) else None
    if text is None:
        lint.add("bad_row", file, number, line[:60])
        return
    columns = {key: value for key, value in row.items() if key not in _OWN and isinstance(value, str)}
    if SYSTEM_ROW in columns.values():
        rows.persona = text
    elif CONFIG_ROW in columns.values() or text == CONFIG:
        rows.meta = row.get("luotuo", rows.meta)
    elif text.strip():
        title = row.get("title")
        rows.texts.append((title if isinstance(title, str) else str(len(rows.texts) + 1), text))
        _take_vectors(columns, number, file, rows, lint)
    else:
        lint.add("empty_scene", file, number)


def _text(row: Mapping[str, Any]) -> str | None:
    """The text of a row, decoded where it is encoded; None when there is none."""
    if isinstance(row.get("text"), str):
        return str(row["text"])
    try:
        return base64.b64decode(row["enc_text"], validate=True).decode("utf-8")
    except (KeyError, TypeError, ValueError, binascii.Error):
        return None


def _take_vectors(columns: Mapping[str, str], number: int, file: str, rows: _Rows, lint: Lint) -> None:
    for column, value in list(columns.items())[:_MAX_COLUMNS]:
        data = decode_row(value)
        if data is not None and (column in COLUMNS or len(data) >= 128):
            rows.columns.setdefault(column, {})[len(rows.texts) - 1] = data
        elif column in COLUMNS and value:
            lint.add("bad_vectors", file, number, value[:20], name=column)


def _with_vectors(pack: Pack, columns: Mapping[str, Mapping[int, bytes]], file: str, lint: Lint) -> Pack:
    for column, known in columns.items():
        rows = matrix([known.get(at) for at in range(len(pack.scenes))], file, column, lint)
        if rows is None:
            continue
        embedder = embedder_of(column, rows)
        if column == "luotuo_openai" and embedder != LUOTUO:
            lint.add("ada_vectors", file, name=embedder)
        pack = add_vectors(pack, Vectors(embedder, scenes=rows))
    return pack


def write_hub(pack: Pack) -> bytes:
    """The pack as jsonl that ChatHaruhi 2.0 and 3.0 load, with every column whose model the format has a name for."""
    columns = dict(_columns(pack))
    markers = list(columns) or ["luotuo_openai"]
    persona = {"text": pack.persona.to(pack.language), **dict.fromkeys(markers, SYSTEM_ROW)}
    meta = replace(pack, pictures=())
    config = {"text": CONFIG, **dict.fromkeys(markers, CONFIG_ROW), "luotuo": meta_of(meta)}
    rows = [persona, config, *_scene_rows(pack, columns)]
    return "".join(f"{to_json(row)}\n" for row in rows).encode("utf-8")


def _columns(pack: Pack) -> Iterator[tuple[str, "np.ndarray"]]:
    names = {repo: column for column, repo in COLUMNS.items()} | {ADA: "luotuo_openai"}
    for embedder, vectors in pack.vectors.items():
        if vectors.scenes is not None and embedder in names:
            yield names[embedder], vectors.scenes


def _scene_rows(pack: Pack, columns: Mapping[str, "np.ndarray"]) -> Sequence[dict[str, str]]:
    rows = []
    for at, scene in enumerate(pack.scenes):
        title = {} if scene.title == str(at + 1) else {"title": scene.title}
        rows.append({"text": scene.raw, **title, **{name: encode_row(one[at]) for name, one in columns.items()}})
    return rows

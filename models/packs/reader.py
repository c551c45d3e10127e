"""A pack out of whatever a person has: found out from the content, never from the name alone.

Folders and zips of the originals, jsonl of 1.0, 2.0 and 3.0, scripts, subtitles, dialogues, character cards as JSON,
PNG and charx, lorebooks. Knows which reader to call and what all packs must have in the end. Pickles and program code
are never opened, whatever their name.
"""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from models.documents.gate import kind, shown
from models.documents.text import docx
from models.errors import BadInput
from models.packs.card import is_card
from models.packs.charx import is_charx, read_charx, read_json_card, read_png_card
from models.packs.chroma import is_chroma, read_chroma
from models.packs.fields import parse_json, to_json
from models.packs.folder import MARKERS, read_folder
from models.packs.hub import is_hub_row, read_hub
from models.packs.lint import Lint, LintReport
from models.packs.lorebook import is_lorebook, read_book
from models.packs.pack import Bilingual, Pack
from models.packs.png import SIGNATURE
from models.packs.reading import picture_kind, slug, text_of
from models.packs.scripts import is_dialogue, is_subtitles, read_dialogues, read_script, read_subtitles
from models.packs.tree import MAX_BYTES, Tree, folder_tree, zip_tree
from models.packs.vectors import is_vector, read_embeds
from models.task import Task

if TYPE_CHECKING:
    pass

__all__ = ["read_bytes", "read_pack"]

USUAL_ROLE = {"zh": "我", "ja": "私", "en": "Me"}
_PACKED = (".json", ".jsonl", ".png", ".srt", ".ass")
_ZIP_END, _ZIP_TAIL = b"PK\x05\x06", 66_000  # bytes from the end, a comment included


def read_pack(path: Path, task: Task) -> tuple[Pack, LintReport]:
    """The pack of a file or a folder, and what was odd in it.

    Raises BadInput: too_long, file_empty, file_type, file_broken, file_encrypted, too_many_files, pack_bomb,
    pack_no_card, pack_empty; Cancelled.
    """
    if path.is_dir():
        lint = Lint()
        return _finished(read_folder(folder_tree(path, lint), lint, task), lint, "folder")
    if path.stat().st_size > MAX_BYTES:
        raise BadInput("too_long", limit=f"{MAX_BYTES >> 20} MB")
    return read_bytes(path.read_bytes(), path.name, task)


def read_bytes(data: bytes, name: str, task: Task) -> tuple[Pack, LintReport]:
    """The pack of a file's bytes. Raises as `read_pack`."""
    if not data.strip():
        raise BadInput("file_empty", name=shown(Path(name)))
    if len(data) > MAX_BYTES:
        raise BadInput("too_long", limit=f"{MAX_BYTES >> 20} MB")
    lint = Lint()
    if data.startswith(SIGNATURE):
        return _finished(read_png_card(data, name, lint, task), lint, "png")
    if _is_zip(data):
        found, form = _zipped(data, name, lint, task)
        return _finished(found, lint, form)
    if kind(data) or picture_kind(data):
        raise BadInput("file_type", name=shown(Path(name)))
    text = text_of(data, Path(name).name, lint, task)
    if text is None:
        raise BadInput("file_encoding", name=shown(Path(name)))
    pack, form = _text(text.removeprefix("\ufeff"), data, Path(name).name, lint, task)
    return _finished(pack, lint, form)


def _is_zip(data: bytes) -> bool:
    """Whether this is a zip, or a picture with a zip behind it: some programs put a charx behind its portrait."""
    return kind(data) == "zip" or (data.startswith(b"\xff\xd8\xff") and _ZIP_END in data[-_ZIP_TAIL:])


def _zipped(data: bytes, name: str, lint: Lint, task: Task) -> tuple[Pack, str]:
    tree = zip_tree(data, name, lint)
    if "word/document.xml" in tree.sizes:
        return read_script(docx(data, shown(Path(name)), task), Path(name).name, lint, task), "script"
    if is_charx(tree):
        return read_charx(tree, lint, task), "charx"
    if is_chroma(tree):
        return read_chroma(tree, lint, task), "chroma"
    if inner := _only_file(tree):
        return _inner(tree.read(inner, task), inner, lint, task)
    return _folder(tree, name, lint, task), "folder"


def _only_file(tree: Tree) -> str:
    """The one file of a zip that is no folder pack but somebody's packed card, script or jsonl; else ""."""
    if any(name.rsplit("/", 1)[-1] in MARKERS or "/texts/" in f"/{name}" for name in tree.sizes):
        return ""
    names = [name for name in tree.sizes if not name.lower().endswith((".txt", ".md"))]
    single = names if names else list(tree.sizes)
    return single[0] if len(single) == 1 and single[0].lower().endswith(_PACKED) else ""


def _inner(data: bytes, name: str, lint: Lint, task: Task) -> tuple[Pack, str]:
    """A file inside a zip; a zip in there is not opened."""
    if data.startswith(SIGNATURE):
        return read_png_card(data, name, lint, task), "png"
    text = None if kind(data) or picture_kind(data) else text_of(data, name, lint, task)
    if text is None:
        raise BadInput("file_type", name=shown(Path(name)))
    return _text(text.removeprefix("\ufeff"), data, Path(name).name, lint, task)


def _folder(tree: Tree, name: str, lint: Lint, task: Task) -> Pack:
    pack = read_folder(tree, lint, task)
    if not pack.scenes and not pack.pictures and not pack.persona:
        raise BadInput("pack_empty", name=shown(Path(name)))
    return pack


def _text(text: str, data: bytes, file: str, lint: Lint, task: Task) -> tuple[Pack, str]:
    """(pack, format) of a text."""
    whole, first = _json(text), _json(text.lstrip().split("\n", 1)[0])
    if isinstance(whole, dict) and is_card(whole):
        return read_json_card(whole, file, lint, task), "card"
    if is_lorebook(whole):
        return _lorebook(whole, file, lint), "lorebook"
    if is_hub_row(first):
        return read_hub(text, file, lint, task), "hub"
    if _is_embeds(first):
        stem = Path(file).stem
        empty = Pack(id=slug(stem), name=Bilingual(stem), speaker=stem)
        lint.n_files, lint.n_bytes = 0, 0  # the reader below counts them
        return read_embeds(data, file, empty, lint, task), "embeds"
    if is_dialogue(whole):
        return read_dialogues(to_json(whole), file, lint, task), "dialogue"
    if isinstance(whole, list) and whole and all(map(is_dialogue, whole)):
        return read_dialogues("\n".join(map(to_json, whole)), file, lint, task), "dialogue"
    if is_dialogue(first):
        return read_dialogues(text, file, lint, task), "dialogue"
    if isinstance(whole, dict | list) or isinstance(first, dict | list):
        raise BadInput("pack_unknown", name=shown(Path(file)))
    if is_subtitles(text):
        return read_subtitles(text, file, lint, task), "subtitles"
    return read_script(text, file, lint, task), "script"


def _json(text: str) -> object:
    try:
        return parse_json(text) if text.lstrip()[:1] in ("{", "[") else None
    except ValueError:
        return None


def _is_embeds(row: object) -> bool:
    return isinstance(row, dict) and bool(row) and all(is_vector(value) for value in row.values())


def _lorebook(book: object, file: str, lint: Lint) -> Pack:
    """A world info file: a pack that only knows things, to be merged into a character."""
    lore, rest = read_book(book, file, lint)
    stem = Path(file).stem
    return Pack(id=slug(stem), name=Bilingual(stem), speaker=stem, lore=lore, extra={"book": rest} if rest else {})


def _finished(pack: Pack, lint: Lint, form: str) -> tuple[Pack, LintReport]:
    """What every pack has: somebody to talk to them, no name of theirs among those, notes on what is missing."""
    if form not in ("lorebook", "embeds", "card", "png", "charx") and not pack.scenes:
        lint.add("no_scenes", pack.name.to("zh"))
    if pack.scenes and not any(pack.is_own(line.role) for scene in pack.scenes for line in scene.lines):
        lint.add("speaker_silent", pack.name.to("zh"), name=pack.speaker)
    roles = tuple(role for role in pack.roles if not pack.is_own(role)) or (USUAL_ROLE.get(pack.language, "Me"),)
    return replace(pack, roles=roles), lint.report(form)

"""Scripts and subtitles as scenes: plain text and docx split where a blank line or a heading stands, srt and ass where
nobody speaks for a while; and dialogues as lists of {"role", "text"}. Knows how a file is cut into scenes, no more.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

from models.errors import BadInput
from models.packs.fields import parse_json
from models.packs.folder import scenes_of
from models.packs.lint import LONG, Lint
from models.packs.pack import Pack, Scene
from models.packs.reading import bilingual, language_of, partners, slug, speaker_of
from models.task import Task

__all__ = ["is_dialogue", "is_subtitles", "pack_from", "read_dialogues", "read_script", "read_subtitles"]

PAUSE_MS = 15_000  # of silence between two subtitles: a new scene
MIN_SINGLE = 6  # lines with blank lines between them that are a way of writing, not scenes
MOST_LINES = 60  # of a scene of subtitles
_CUT = re.compile(r"((?:\r?\n[ \t\u3000]*){2,})")
_HEADING = re.compile(r"^##[ \t]+(.+?)[ \t]*\r?$", re.MULTILINE)
_SRT = re.compile(r"^\s*\d+\s*\r?\n\s*\d{1,2}:\d\d:\d\d[,.]\d{1,3}\s*-->", re.MULTILINE)
_ASS = re.compile(r"^\s*\[Script Info\]", re.MULTILINE | re.IGNORECASE)
_SPOKEN = re.compile(r"\s*[^:：\n]{1,24}[:：]")


def read_script(text: str, file: str, lint: Lint, task: Task) -> Pack:
    """Scenes of a text with `## title` before each, or with blank lines between them."""
    task.check()
    stem = PurePosixPath(file).stem
    if _HEADING.search(text):
        parts = [stem, *_HEADING.split(text)]
        named = zip(parts[::2], parts[1::2], strict=True)
        pieces = [(title, piece.strip("\r\n"), file) for title, piece in named if piece.strip()]
    else:
        pieces = [(f"{stem}_{at}", piece, file) for at, piece in enumerate(_parts(text))]
    return pack_from(scenes_of(pieces, lint), stem, file, lint)


def _parts(text: str) -> Iterator[str]:
    """What stands between blank lines; where that is one line most of the time, several of them are one scene."""
    cut = _CUT.split(text)  # pieces and the blank lines between them in turn
    pieces = [at for at in range(0, len(cut), 2) if cut[at].strip()]
    single = sum("\n" not in cut[at].strip() for at in pieces)
    if len(pieces) < MIN_SINGLE or single < 0.8 * len(pieces):
        yield from (cut[at] for at in pieces)
        return
    joined = ""
    for at in pieces:
        if joined and len(joined) + len(cut[at]) > LONG:
            yield joined.rstrip()
            joined = ""
        joined += cut[at] + (cut[at + 1] if at + 1 < len(cut) else "")
    yield joined.rstrip()


def pack_from(scenes: Sequence[Scene], stem: str, file: str, lint: Lint) -> Pack:
    """A pack that holds nothing but scenes; who speaks most, or has the file's name, is the character.

    Raises BadInput("pack_empty") without a single scene.
    """
    if not scenes:
        raise BadInput("pack_empty", name=stem)
    speaker = speaker_of(scenes, [stem])
    lint.add("speaker_guessed" if speaker else "no_speakers", file, name=speaker)
    lint.add("no_persona", file)
    return Pack(
        id=slug(speaker or stem),
        name=bilingual(speaker or stem),
        speaker=speaker or stem,
        language=language_of([one.raw for one in scenes]),
        scenes=tuple(scenes),
        roles=partners(scenes, [speaker]),
    )


def is_subtitles(text: str) -> bool:
    """Whether a text is srt or ass."""
    return bool(_ASS.search(text[:2000]) or _SRT.search(text[:2000]))


def read_subtitles(text: str, file: str, lint: Lint, task: Task) -> Pack:
    """Scenes of subtitles; the name of an ass event is who speaks. Raises BadInput("file_broken")."""
    import pysubs2

    try:
        events = pysubs2.SSAFile.from_string(text, "ass" if _ASS.search(text[:2000]) else "srt").events
    except Exception as error:  # its parsers raise what they please
        raise BadInput("file_broken", name=file) from error
    stem, pieces, lines, last = PurePosixPath(file).stem, list[str](), list[str](), 0
    for event in events:
        task.check()
        said = " ".join(event.plaintext.split())
        if event.is_comment or not said:
            continue
        if lines and (event.start - last > PAUSE_MS or len(lines) >= MOST_LINES):
            pieces.append("".join(lines))
            lines = []
        last = event.end
        lines.append(_subtitle(event.name.strip(), said))
    pieces += ["".join(lines)] if lines else []
    return pack_from(scenes_of([(f"{stem}_{at}", one, file) for at, one in enumerate(pieces)], lint), stem, file, lint)


def _subtitle(name: str, said: str) -> str:
    if name:
        return f"{_plain(name)}:「{said}」\n"
    return f"{said}\n" if _SPOKEN.match(said) else f"「{said}」\n"


def is_dialogue(value: object) -> bool:
    """Whether a JSON value is a dialogue: a list of {"role", "text"}, or an object that holds one."""
    return bool(_turns(value))


def _turns(value: object) -> list[Mapping[str, Any]]:
    listed = value.get("dialogue") if isinstance(value, dict) else value
    if not isinstance(listed, list) or not listed:
        return []
    good = all(isinstance(one, dict) and isinstance(one.get("text"), str) for one in listed)
    return listed if good and any("role" in one for one in listed) else []


def read_dialogues(text: str, file: str, lint: Lint, task: Task) -> Pack:
    """One dialogue a line, as the novels and the synthesised sets of ChatHaruhi hold them."""
    stem, pieces = PurePosixPath(file).stem, list[tuple[str, str, str]]()
    for number, line in enumerate(text.split("\n"), 1):
        task.check()
        if not line.strip():
            continue
        turns = _turns(_json(line))
        if not turns:
            lint.add("bad_row", file, number, line[:60])
        elif said := "".join(_spoken(turns)):
            pieces.append((f"{stem}_{len(pieces)}", said, file))
    return pack_from(scenes_of(pieces, lint), stem, file, lint)


def _json(line: str) -> object:
    try:
        return parse_json(line)
    except ValueError:
        return None


def _spoken(turns: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for turn in turns:
        role, said = _plain(str(turn.get("role") or "")), str(turn["text"]).strip().strip("「」")
        if said:
            yield f"旁白:{said}\n" if turn.get("if_scene") or not role else f"{role}:「{said}」\n"


def _plain(role: str) -> str:
    return re.sub(r"[:：「」\r\n]", "", role).strip()

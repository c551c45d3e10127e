"""What was odd in a pack and where: LintReport. Knows the codes; the sentences stand in assets/i18n/packs.json.

A finding never stops a reader: what cannot be read at all is a BadInput. Of each code every occurrence is counted and
the first PLACES are kept, so that a report stays short for a pack of ten thousand odd lines.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from models.packs.lines import Odd
from models.packs.pack import Line, Scene
from models.strings import say

__all__ = ["LONG", "PLACES", "SEVERITY", "Finding", "Lint", "LintReport", "Place", "Severity"]

Severity = Literal["info", "warning", "error"]  # error: something was left out
PLACES = 20  # kept for each code
LONG = 510  # characters of a scene that the original embedders saw; what follows they never knew
_ENDS = re.compile(r"\r\n?|\n")
_PARAGRAPHS = re.compile(r"\n[ \t\r\u3000]{0,20}\n\s{0,20}[^\s]")

SEVERITY: Mapping[str, Severity] = {
    # lines
    "unclosed": "warning",  # 春日:「那里
    "unopened": "warning",  # 春日：那里」
    "unquoted": "info",  # 春日：那里
    "no_role": "info",  # 「那里」
    "prose": "info",  # neither a role nor a quotation
    "json_like": "warning",
    "markup": "warning",
    "empty_quotation": "info",
    "multi_line": "info",
    "several_quotations": "info",
    "direction_after": "info",
    "name_direction": "info",
    # scenes and files
    "bom": "info",
    "carriage_returns": "info",
    "encoding": "info",
    "lost_characters": "warning",
    "mixed_colons": "info",
    "blank_lines": "info",
    "empty_scene": "warning",
    "no_dialogue": "warning",
    "long_scene": "info",
    "duplicate_scene": "warning",
    "not_text": "error",
    "ignored_file": "info",
    "unsafe_name": "error",
    "link": "error",
    "too_large": "error",
    "damaged_member": "error",
    "several_packs": "warning",
    # the character
    "no_scenes": "warning",
    "no_persona": "warning",
    "short_persona": "warning",
    "speaker_guessed": "info",
    "speaker_silent": "warning",
    # pictures
    "not_a_picture": "error",
    "unsafe_picture": "error",
    "picture_missing": "warning",
    "stale_dictionary": "warning",
    "remote_asset": "info",
    # rows, vectors, cards
    "bad_row": "error",
    "bad_field": "warning",
    "bad_vectors": "error",
    "incomplete_vectors": "warning",
    "unmatched_vectors": "warning",
    "ada_vectors": "info",
    "bad_entry": "error",
    "no_speakers": "info",
}


@dataclass(frozen=True, slots=True)
class Place:
    """Where something was met."""

    file: str  # inside the pack
    line: int  # from 1; 0 for the whole file
    excerpt: str = ""  # at most 60 characters of it


@dataclass(frozen=True, slots=True)
class Finding:
    """One kind of oddity with its places, most often more places than are kept."""

    code: str
    severity: Severity
    count: int
    places: tuple[Place, ...]
    values: Mapping[str, Any] = field(default_factory=dict, compare=False)

    def text(self, lang: str) -> str:
        """One sentence for a visitor. The values come from files: escape it."""
        return say(f"packs.{self.code}", lang, **{"count": self.count, **self.values})


@dataclass(frozen=True, slots=True)
class LintReport:
    """Everything that was odd, worst first; and how much was read, so that nothing is lost silently."""

    format: str  # folder, house, hub, embeds, script, subtitles, card, png, charx, lorebook, dialogue
    findings: tuple[Finding, ...] = ()
    n_files: int = 0
    n_lines: int = 0  # lines of scenes that are not blank
    n_bytes: int = 0

    def count(self, code: str) -> int:
        """How often a code was met."""
        return sum(finding.count for finding in self.findings if finding.code == code)

    def worst(self) -> Severity | None:
        """The severity of the first finding, None for a clean pack."""
        return self.findings[0].severity if self.findings else None


class Lint:
    """Collects findings while a pack is read; `report` at the end."""

    def __init__(self) -> None:
        self.n_files = self.n_lines = self.n_bytes = 0
        self._found: dict[str, tuple[int, list[Place], dict[str, object]]] = {}

    def add(self, code: str, file: str, line: int = 0, excerpt: str = "", **values: object) -> None:
        """Notes one occurrence. Raises KeyError for a code that has no severity."""
        assert SEVERITY[code]
        count, places, known = self._found.get(code, (0, [], values))
        if len(places) < PLACES:
            places.append(Place(shown(file), line, " ".join(excerpt.split())[:60]))
        self._found[code] = (count + 1, places, known)

    def scene(self, scene: Scene, odd: Sequence[Odd]) -> None:
        """Notes what was odd about the lines of a scene and about the scene as a whole."""
        self.n_lines += len(scene.lines) + sum(
            line.raw.strip().count("\n") for line in scene.lines if "\n" in line.text
        )
        for code, at in odd:
            if self._full(code):
                count, places, values = self._found[code]
                self._found[code] = (count + 1, places, values)
            else:
                self.add(code, scene.source, _number(scene.lines, at), scene.lines[at].raw)
        self._whole(scene)

    def _full(self, code: str) -> bool:
        return code in self._found and len(self._found[code][1]) >= PLACES

    def _whole(self, scene: Scene) -> None:
        raw = scene.raw
        if raw.startswith("\ufeff"):
            self.add("bom", scene.source, 1)
        if "\r" in raw:
            self.add("carriage_returns", scene.source)
        if "\ufffd" in raw:
            self.add("lost_characters", scene.source)
        if "：「" in raw and ":「" in raw:
            self.add("mixed_colons", scene.source)
        if not scene.lines:
            self.add("empty_scene", scene.source)
        elif not any(line.kind == "speech" for line in scene.lines):
            self.add("no_dialogue", scene.source)
        if len(raw) > LONG and len(scene.text) > LONG:
            self.add("long_scene", scene.source, limit=LONG)
        if _PARAGRAPHS.search(raw):
            self.add("blank_lines", scene.source)

    def report(self, kind: str) -> LintReport:
        """What was found, worst first, otherwise in the order of SEVERITY."""
        order = list(SEVERITY)
        found = [
            Finding(code, SEVERITY[code], count, tuple(places), values)
            for code, (count, places, values) in self._found.items()
        ]
        found.sort(key=lambda one: (("error", "warning", "info").index(one.severity), order.index(one.code)))
        return LintReport(kind, tuple(found), self.n_files, self.n_lines, self.n_bytes)


def shown(file: str) -> str:
    """A name from inside a pack as a report shows it: printable, its end when it is long."""
    name = "".join(char if char.isprintable() else "?" for char in file)
    return name if len(name) <= 80 else "…" + name[-79:]


def _number(lines: Sequence[Line], at: int) -> int:
    """The number of a line in its file, from 1; blank lines before the first one count."""
    before = len(_ENDS.findall("".join([line.raw for line in lines[:at]])))
    lead = len(lines[at].raw) - len(lines[at].raw.lstrip())
    return before + len(_ENDS.findall(lines[at].raw[:lead])) + 1

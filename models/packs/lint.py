"""What was odd in a pack and where: LintReport. Knows the codes; the sentences stand in assets/i18n/packs.json.

A finding never stops a reader: what cannot be read at all is a BadInput. Of each code every occurrence is counted and
the first PLACES are kept, so that a report stays short for a pack of ten thousand odd lines.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from models.strings import say

__all__ = ["PLACES", "Finding", "Lint", "LintReport", "Place", "Severity"]

Severity = Literal["info", "warning", "error"]  # error: something was left out
PLACES = 20  # kept for each code


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

"""Everything that the embedded engine claims, measured on the shared data: `python -m benchmarks.embedded_quality`.

Prints one line a figure with its floor, and exits with 1 when a floor is missed. Where weights were trained on the data
that is measured, the figure comes from cross-validation by passage, and the note says so.
"""

import argparse
import importlib
import sys
import time
from pathlib import Path

from benchmarks.quality import DATA, Row

PARTS = ("reader", "summary", "vectors", "dialogue")


def measured(part: str, data: Path, limit: int | None) -> list[Row]:
    """The figures of one part of the engine."""
    return importlib.import_module(f"benchmarks.quality_{part}").measure(data, limit)


def line(row: Row) -> str:
    """One figure as printed."""
    if row.floor is None:
        return f"  {row.name:52}{row.value:9.2f}  {'':17}{row.note}"
    floor, verdict = f"{'≤' if row.ceiling else '≥'} {row.floor:g}", "ok" if row.holds else "MISSED"
    return f"  {row.name:52}{row.value:9.2f}  {floor:9}{verdict:8}{row.note}"


def main() -> None:
    """Measures the chosen parts and prints them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", default=PARTS, help=f"any of {', '.join(PARTS)}; default all")
    parser.add_argument("--limit", type=int, help="use only so many cases of each kind, for a quick look")
    parser.add_argument("--data", type=Path, default=DATA)
    options = parser.parse_args()
    if not options.data.is_dir():
        sys.exit(f"{options.data} is absent: the data is third-party and not part of the project")
    missed = []
    for part in options.parts:
        begun = time.process_time()
        rows = measured(part, options.data, options.limit)
        print(f"{part} ({time.process_time() - begun:.0f} CPU s)")
        print("\n".join(line(row) for row in rows), flush=True)
        missed += [row.name for row in rows if not row.holds]
    sys.exit(f"missed: {', '.join(missed)}" if missed else 0)


if __name__ == "__main__":
    main()

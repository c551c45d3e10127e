"""Writes the tables of the READMEs; with `--check`, only exits with 1 when one is stale.

    python -m benchmarks.readme [--check]

Knows where the tables stand (between `<!-- apps -->` and `<!-- /apps -->`, likewise `engines`, `models` and
`benchmarks`) and how they look in both languages. Everything else in the READMEs is written by hand.
"""

import argparse
import ast
import re
import sys
from pathlib import Path

from apps import APPS, AppSpec
from models import ENGINES, EngineSpec
from models.neural import ADAPTERS, MODELS
from models.spec import Precision
from models.strings import say

ROOT = Path(__file__).resolve().parent.parent
READMES = {"zh": ROOT / "README.md", "en": ROOT / "README_EN.md"}
GIB = 1 << 30
HEADS = {
    "apps": {
        "zh": ("应用", "做什么", "直达", "现在由谁回答", "重现的原版项目"),
        "en": ("App", "What it does", "Opens at", "Who answers now", "Brings back"),
    },
    "engines": {
        "zh": ("引擎", "给哪个应用", "怎么回答", "随项目附带", "许可证"),
        "en": ("Engine", "Answers in", "How", "Ships with the project", "Licence", "In short"),
    },
    "models": {
        "zh": ("模型", "在模型库里", "8 位时占内存", "给哪些应用", "许可证"),
        "en": ("Model", "On the model hub", "Memory in 8 bit", "For", "Licence"),
    },
    "benchmarks": {"zh": ("命令", "做什么"), "en": ("Command", "What it does")},
}


def apps_table(lang: str) -> str:
    """One row per tab, in tab order."""
    rows = [
        (
            f"**{spec.title.to(lang)}**",
            spec.tagline.to(lang),
            f"`?tab={spec.key}`",
            _answers(spec, lang),
            spec.project,
        )
        for spec in APPS
    ]
    return _table(HEADS["apps"][lang], rows)


def engines_table(lang: str) -> str:
    """One row per engine of the catalogue; the notes are in English, so only the English table carries them."""
    rows = []
    for engine in ENGINES:
        shipped = "<br>".join(f"`assets/{part}`" for part in engine.shipped) or "—"
        row = (f"`{engine.key}`", _users(engine, lang), say(f"hub.how.{engine.how}", lang), shipped, engine.licence)
        rows.append(row if lang == "zh" else (*row, engine.note))
    return _table(HEADS["engines"][lang], rows)


def models_table(lang: str) -> str:
    """One row per neural model of the catalogue, adapters beneath their base; embedders are held in 16 bit."""
    rows = []
    for spec in MODELS:
        precision = Precision.INT8 if spec.role == "generate" else Precision.FP16
        rows.append(_model(spec.key, spec.repo, spec.n_bytes[precision] / GIB, spec.good_for, spec.licence, lang))
        for part in (adapter for adapter in ADAPTERS if adapter.base == spec.key):
            key = f"{spec.key}+{part.key}"
            rows.append(_model(key, part.repo, part.n_bytes / GIB, part.good_for, part.licence, lang))
    return _table(HEADS["models"][lang], rows)


def _model(key: str, repo: str, gib: float, good_for: tuple[str, ...], licence: str, lang: str) -> tuple[str, ...]:
    titles = [spec.title.to(lang) for spec in APPS if set(spec.needs) & set(good_for)]
    return f"`{key}`", f"`{repo}`", f"{gib:.2f} GiB", ("、" if lang == "zh" else ", ").join(titles), licence


def benchmarks_table(lang: str) -> str:
    """One row per file of benchmarks/ that can be run, with the first sentence of its docstring, which is English."""
    rows = []
    for path in sorted((ROOT / "benchmarks").glob("*.py")):
        text = path.read_text(encoding="utf-8")
        if "__main__" in text:
            rows.append(
                (f"`python -m benchmarks.{path.stem}`", _first_sentence(ast.get_docstring(ast.parse(text)) or ""))
            )
    return _table(HEADS["benchmarks"][lang], rows)


def _first_sentence(docstring: str) -> str:
    """Up to the first full stop, colon before a command, or blank line; the command has a column of its own."""
    first = " ".join(docstring.split("\n\n")[0].split())
    return re.split(r"(?<=[^.])\.(?:\s|$)|:?\s`python -m", first)[0].rstrip(":. ")


def _answers(spec: AppSpec, lang: str) -> str:
    """How the engine that would answer now does it; a dash when there is none."""
    for need in spec.needs:
        for engine in ENGINES:
            if engine.capability == need:
                return f"`{engine.key}`{'：' if lang == 'zh' else ', '}{say(f'hub.how.{engine.how}', lang)}"
    return "—"


def _users(engine: EngineSpec, lang: str) -> str:
    """The apps that ask for what the engine can do."""
    titles = [spec.title.to(lang) for spec in APPS if engine.capability in spec.needs]
    return ("、" if lang == "zh" else ", ").join(titles) or "—"


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', '&#124;') for cell in line)} |" for line in lines)


TABLES = {"apps": apps_table, "engines": engines_table, "models": models_table, "benchmarks": benchmarks_table}


def filled(text: str, lang: str) -> str:
    """A README with its tables as they should be. Raises ValueError when a pair of markers is missing."""
    for name, table in TABLES.items():
        start, end = f"<!-- {name} -->\n", f"<!-- /{name} -->"
        if text.count(start) != 1 or text.count(end) != 1:
            raise ValueError(f"there must be one <!-- {name} --> … <!-- /{name} -->")
        before, rest = text.split(start)
        text = f"{before}{start}{table(lang)}\n{end}{rest.split(end)[1]}"
    return text


def stale() -> list[Path]:
    """The READMEs whose tables no longer say what the registries say."""
    pages = {path: path.read_text(encoding="utf-8") for path in READMES.values()}
    return [path for lang, path in READMES.items() if filled(pages[path], lang) != pages[path]]


def main() -> None:
    """Writes both READMEs, or only looks when asked to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 when a table is stale")
    if parser.parse_args().check:
        old = stale()
        sys.exit(f"stale: {', '.join(path.name for path in old)}; run python -m benchmarks.readme" if old else 0)
    for lang, path in READMES.items():
        text = path.read_text(encoding="utf-8")
        path.write_text(filled(text, lang), encoding="utf-8", newline="\n")
        print(path.name)


if __name__ == "__main__":
    main()

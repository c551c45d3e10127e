"""Every word of the page exists in both languages, is filled in as it is written, is used, and lives in assets/i18n."""

import ast
import json
import re
import string
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from apps import APPS
from models.strings import table

ROOT = Path(__file__).resolve().parent.parent
FILES = sorted((ROOT / "assets" / "i18n").glob("*.json"))
SOURCES = [ROOT / "app.py", *(path for folder in ("apps", "models") for path in sorted((ROOT / folder).rglob("*.py")))]
HAN = re.compile(r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af]")

# Where a call takes a key: function → (position, keyword, how the key is completed). Without one, run_row takes `run`.
WHOLE, OWN, ERROR = "whole", "own", "error"
TAKES_KEY = {
    "t": (0, "key", OWN),
    "run_row": (1, "key", OWN),
    "upload_button": (1, "key", OWN),
    "both": (0, "key", WHOLE),
    "_both": (0, "key", WHOLE),
    "empty": (0, "key", WHOLE),
    "say": (0, "key", WHOLE),
    "evidence_list": (9, "title", WHOLE),
    "step": (1, "note", WHOLE),
    "Stage": (3, "note", WHOLE),
    "_refuse": (0, "code", ERROR),
    **dict.fromkeys(
        ("HubError", "BadInput", "UnknownModel", "ModelUnavailable", "DoesNotFit", "Busy", "AppFailed"),
        (0, "code", ERROR),
    ),
}
FILLS_IN = {"both", "say", *(name for name, (_, _, kind) in TAKES_KEY.items() if kind == ERROR)} - {"_refuse"}

# Chinese in apps/ that is no word of the interface: file → (name or literal, why it may stand there).
CHINESE_MAY_STAND = {
    "apps/__init__.py": {"Words": "titles and taglines, checked for both languages on construction"},
    "apps/hub.py": {"骆驼 Luotuo Hub": "the name of the page before the browser has chosen a language"},
    "apps/embedding/columns.py": {
        "_LABEL_NAMES": "what people call columns",
        "_TITLE_NAMES": "the same",
    },
    "apps/embedding/precomputed.py": {"_NAMES": "what people call columns"},
    "apps/embedding/clusters/spoken.py": {"_LEAD": "what models write before a name"},
}


@dataclass(frozen=True)
class Use:
    """A key as the source names it; `*` stands for what is only known at run time."""

    where: str
    key: str
    values: frozenset[str] | None  # names filled in; None when they are not all known or not given here


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def part_of(path: Path) -> str:
    """The app that a file of apps/ belongs to, "" for what the apps share."""
    first = path.relative_to(ROOT).parts[1].removesuffix(".py") if path.is_relative_to(ROOT / "apps") else ""
    return first if first in {spec.key for spec in APPS} else ""


def uses(path: Path) -> Iterator[Use]:
    """Every key that a call in the file names."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        said = name == "say" and isinstance(node.func, ast.Attribute)  # a line of a conversation
        if name not in TAKES_KEY or said:
            continue
        at, keyword, kind = TAKES_KEY[name]
        given = node.args[at : at + 1] + [pair.value for pair in node.keywords if pair.arg == keyword]
        if name == "run_row" and not given:
            given = [ast.Constant("run")]
        for written in (text for value in given for text in texts(value)):
            yield Use(f"{path.relative_to(ROOT)}:{node.lineno}", completed(written, kind, path), filled_in(node, name))


def texts(node: ast.expr) -> Iterator[str]:
    """The strings that an expression may be, holes of f-strings as `*`; nothing for a mere name."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value:
        yield node.value
    elif isinstance(node, ast.JoinedStr):
        yield "".join(part.value if isinstance(part, ast.Constant) else "*" for part in node.values)
    elif isinstance(node, ast.IfExp):
        yield from texts(node.body)
        yield from texts(node.orelse)
    elif isinstance(node, ast.BoolOp):
        for value in node.values:
            yield from texts(value)


def completed(key: str, kind: str, path: Path) -> str:
    """The full key: errors have a part of their own, and an app's words need not name the app."""
    if kind == ERROR:
        return f"error.{key}"
    parts = {file.stem for file in FILES}
    if kind == OWN and key.split(".")[0] not in parts:
        return f"{part_of(path) or '*'}.{key}"
    return key


def filled_in(node: ast.Call, name: str) -> frozenset[str] | None:
    """The names of the values that a call fills in; none at all for labels, which the page shows as they are."""
    if name == "t":
        return frozenset()
    if name not in FILLS_IN or any(pair.arg is None for pair in node.keywords):
        return None
    return frozenset(str(pair.arg) for pair in node.keywords)


def matching(key: str) -> list[str]:
    """The known keys that a key with `*` may be."""
    pattern = re.compile(".+".join(re.escape(part) for part in key.split("*")))
    return [known for known in table() if pattern.fullmatch(known)]


def places(text: str) -> set[str]:
    """The names in braces."""
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_both_languages_say_the_same_things(path: Path) -> None:
    pairs = json.loads(path.read_text(encoding="utf-8"), object_pairs_hook=_no_repeats)
    assert pairs
    for key, words in pairs.items():
        assert set(words) == {"zh", "en"}, key
        assert all(text.strip() == text and text for text in words.values()), key
        assert places(words["zh"]) == places(words["en"]), key
        assert not HAN.search(words["en"]) or key == "other_language", key


def _no_repeats(pairs: list[tuple[str, object]]) -> dict[str, object]:
    keys = [key for key, _ in pairs]
    assert len(keys) == len(set(keys)), f"written twice: {[key for key in keys if keys.count(key) > 1]}"
    return dict(pairs)


def test_every_error_has_a_hint() -> None:
    codes = {key for key in table() if key.startswith("error.") and not key.endswith(".hint")}
    assert codes and [code for code in sorted(codes) if f"{code}.hint" not in table()] == []
    assert [key for key in table() if key.startswith("error.") and key.removesuffix(".hint") not in codes] == []


def test_every_key_named_exists() -> None:
    missing = [(use.where, use.key) for path in SOURCES for use in uses(path) if not matching(use.key)]
    assert missing == []


def test_every_place_is_filled_in() -> None:
    """Of the keys that a `*` may stand for, one at least takes what is given; errors may be given more than is said."""
    wrong = []
    for path in SOURCES:
        for use in uses(path):
            known = matching(use.key)
            if use.values is None or not known:
                continue
            taken = [places(table()[key]["zh"]) | places(table().get(f"{key}.hint", {"zh": ""})["zh"]) for key in known]
            if not any(one == use.values or (use.key.startswith("error.") and one <= use.values) for one in taken):
                wrong.append((use.where, use.key, sorted(use.values)))
    assert wrong == []


def test_no_key_is_left_over() -> None:
    """A key counts as used when a call names it, or when its full name stands in any string of the source."""
    named = {known for path in SOURCES for use in uses(path) for known in matching(use.key)}
    written: set[str] = set()
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                written |= {node.value, f"error.{node.value}", f"{part_of(path)}.{node.value}"}
    left = [key for key in table() if key.removesuffix(".hint") not in named | written and key not in named | written]
    assert left == []


@pytest.mark.parametrize("path", [path for path in SOURCES if path.is_relative_to(ROOT / "apps")], ids=_name)
def test_chinese_lives_in_the_assets(path: Path) -> None:
    name = _name(path)
    allowed = CHINESE_MAY_STAND.get(name, {})
    tree = ast.parse(path.read_text(encoding="utf-8"))
    skipped = {id(node) for node in ast.walk(tree) if _may_stand(node, allowed) for node in ast.walk(node)}
    found = [
        (node.lineno, node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in skipped
        if HAN.search(node.value) and node.value not in allowed
    ]
    assert found == []


def _may_stand(node: ast.AST, allowed: dict[str, str]) -> bool:
    """Docstrings, and what an allowed name is given."""
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Constant)
    if isinstance(node, ast.Call):
        return getattr(node.func, "id", "") in allowed
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    return any(getattr(target, "id", "") in allowed for target in targets)

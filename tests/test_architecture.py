"""The rules of the house: which way things depend, what is imported when, where files may lie."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
HEAVY = {"torch", "transformers", "peft", "bitsandbytes", "sentence_transformers"}
DRAWING = {"umap", "plotly"}
SOURCES = [path for folder in ("apps", "models") for path in sorted((ROOT / folder).rglob("*.py"))]


def imported(tree: ast.AST) -> Iterator[str]:
    """Every module named in an import below a node."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            yield node.module or ""


def imported_at_top(tree: ast.Module) -> Iterator[str]:
    """Modules imported when the file itself is imported; TYPE_CHECKING blocks do not count."""
    for node in tree.body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield from imported(node)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_dependencies_point_downward(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names = set(imported(tree))
    roots = {name.split(".")[0] for name in names}
    layer = path.relative_to(ROOT).parts[0]
    assert not roots & {"app", "tests", "benchmarks"}
    if layer == "models":
        assert not roots & {"apps", "gradio"}
        assert not roots & DRAWING
    assert not {name.split(".")[0] for name in imported_at_top(tree)} & (HEAVY | DRAWING | {"jieba", "sklearn"})
    if roots & DRAWING:
        assert "embedding" in path.parts, "umap and plotly belong to the embedding app"


def test_apps_do_not_import_one_another() -> None:
    from apps import APPS

    keys = {spec.key for spec in APPS}
    for path in sorted((ROOT / "apps").rglob("*.py")):
        own = path.relative_to(ROOT / "apps").parts[0].removesuffix(".py")
        named = {name.split(".")[1] for name in imported(ast.parse(path.read_text())) if name.startswith("apps.")}
        assert not (named & keys) - {own}, path


def test_functions_are_annotated_and_modules_say_what_they_know() -> None:
    for path in [*SOURCES, ROOT / "app.py", *(ROOT / "benchmarks").glob("*.py")]:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        assert ast.get_docstring(tree) or not tree.body, f"{path} has no docstring"
        assert len(path.read_text(encoding="utf-8").splitlines()) <= 330, f"{path} should become a package"


def test_the_hub_is_built_without_heavy_libraries() -> None:
    late = sorted(HEAVY | DRAWING | {"jieba", "sklearn", "bm25s"})
    code = f"import sys, app; app.demo; print([name for name in {late!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip().splitlines()[-1] == "[]"


def test_importing_the_registry_imports_no_gradio() -> None:
    code = "import sys, apps, models, app; print('gradio' in sys.modules, 'numpy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "False False", done.stderr

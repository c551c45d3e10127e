"""The documents say what is so: tables, options, examples, paths, licences, the notebook."""

import ast
import importlib.util
import json
import os
import re
import subprocess
import sys
import types
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import app
import models
from apps import APPS, AppSpec, Words, find
from benchmarks import readme
from models import EngineSpec, Task
from models.strings import table
from notebooks import make

if TYPE_CHECKING:
    from tests.conftest import Hub

ROOT = Path(__file__).resolve().parent.parent
READMES = [ROOT / "README.md", ROOT / "README_EN.md"]
PAGES = [*READMES, ROOT / "CONTRIBUTING.md", ROOT / "assets" / "NOTICE.md"]
NOT_HERE = {"apps/phrases.py", "models/embedded/lead.py", "tests/apps/test_phrases.py"}  # files that a reader would add


def ids(path: Path) -> str:
    return path.name


def blocks(path: Path, language: str) -> list[str]:
    """The fenced blocks of one language."""
    return re.findall(rf"```{language}\n(.*?)```", path.read_text(encoding="utf-8"), re.DOTALL)


def block(language: str, part: str) -> str:
    """The one block of CONTRIBUTING.md that holds `part`."""
    (found,) = [text for text in blocks(ROOT / "CONTRIBUTING.md", language) if part in text]
    return found


def front_matter() -> dict[str, str]:
    """The plain `key: value` lines that Spaces reads."""
    head = (ROOT / "README.md").read_text(encoding="utf-8").split("---\n")[1]
    return dict(re.findall(r'^(\w+): "?(.+?)"?$', head, re.MULTILINE))


def gradio_bounds() -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Lowest and first forbidden version of requirements.txt."""
    text = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    low, high = re.search(r"^gradio>=([\d.]+),<([\d.]+)$", text, re.MULTILINE).groups()
    return numbers(low), numbers(high)


def numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def help_text(capsys: pytest.CaptureFixture[str]) -> str:
    with pytest.raises(SystemExit):
        app.settings(["--help"], {})
    return capsys.readouterr().out


def test_the_tables_of_the_readmes_are_up_to_date() -> None:
    assert readme.stale() == [], "run python -m benchmarks.readme"


def test_a_stale_table_is_noticed() -> None:
    page = readme.filled(READMES[0].read_text(encoding="utf-8"), "zh")
    assert readme.filled(page.replace(APPS[0].project, "an older name"), "zh") == page
    with pytest.raises(ValueError, match="apps"):
        readme.filled(page.replace("<!-- apps -->", ""), "zh")


def test_spaces_get_what_the_requirements_allow() -> None:
    front = front_matter()
    low, high = gradio_bounds()
    assert low <= numbers(front["sdk_version"]) < high
    assert (ROOT / front["app_file"]).is_file() and front["sdk"] == "gradio"
    assert len(front["short_description"]) <= 60
    (needed,) = re.findall(r'^requires-python = ">=([\d.]+)"', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    assert numbers(front["python_version"]) >= numbers(needed)


def test_spaces_get_the_gradio_that_was_tested() -> None:
    constraints = ROOT / "constraints.txt"
    if not constraints.is_file():
        pytest.skip("constraints.txt has not been written yet")
    pin = re.search(r"^gradio==([\d.]+)", constraints.read_text(encoding="utf-8"), re.MULTILINE)
    assert pin and front_matter()["sdk_version"] == pin[1]


@pytest.mark.parametrize("path", READMES, ids=ids)
def test_every_app_and_option_is_named(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page, lang = path.read_text(encoding="utf-8"), "zh" if path.name == "README.md" else "en"
    usage = help_text(capsys)
    assert [spec.title.to(lang) for spec in APPS if spec.title.to(lang) not in page] == []
    options = set(re.findall(r"--[a-z][a-z-]+", usage)) - {"--help"}
    variables = set(re.findall(r"LUOTUO_[A-Z]+", usage))
    assert options and variables
    assert [name for name in sorted(options | variables) if f"`{name}`" not in page] == []


@pytest.mark.parametrize("path", READMES, ids=ids)
def test_options_named_exist(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    usage, page = help_text(capsys), path.read_text(encoding="utf-8")
    assert set(re.findall(r"LUOTUO_[A-Z]+", page)) <= set(re.findall(r"LUOTUO_[A-Z]+", usage))
    for words in re.findall(r"app\.py((?: --[a-z-]+(?: [\w,.]+)?)+)", page):
        if "--help" not in words:
            app.settings(words.split(), {})


@pytest.mark.parametrize("path", READMES, ids=ids)
def test_a_readme_is_short(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 250


@pytest.mark.parametrize("path", PAGES, ids=ids)
def test_relative_links_resolve(path: Path) -> None:
    links = re.findall(r"\]\(([^)\s]+)\)", path.read_text(encoding="utf-8"))
    local = [link.split("#")[0] for link in links if "://" not in link and not link.startswith("#")]
    assert [link for link in local if not (path.parent / link).exists()] == []


@pytest.mark.parametrize("path", PAGES, ids=ids)
def test_paths_and_modules_exist(path: Path) -> None:
    page = path.read_text(encoding="utf-8")
    modules = set(re.findall(r"(?:python -m |`)((?:benchmarks|notebooks|assets)\.[a-z0-9_]+)", page))
    assert [name for name in sorted(modules) if importlib.util.find_spec(name) is None] == []
    named = set(re.findall(r"(?<![\w./<])((?:apps|models|assets|tests|benchmarks|notebooks)/[\w./-]*)", page))
    named |= set(re.findall(r"(?<![\w./<-])((?:app|requirements|constraints|pyproject)\.(?:py|txt|toml))\b", page))
    named = {name.rstrip(".") for name in named} - NOT_HERE
    own = {"assets/icons/", "assets/i18n/phrases.json", "assets/characters/keeper/"}
    assert [name for name in sorted(named - own) if not (ROOT / name).exists()] == []


def test_every_asset_has_a_source_and_a_licence() -> None:
    notice = (ROOT / "assets" / "NOTICE.md").read_text(encoding="utf-8")
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in notice.splitlines() if "`" in line[:3]]
    assert rows and all(len(row) == 4 and all(row) for row in rows)
    covered = {name for row in rows for name in re.findall(r"`([^`]+)`", row[0])} | {"NOTICE.md"}
    files = [path for path in (ROOT / "assets").rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    assert files
    bare = [name for file in files if not _covered(name := file.relative_to(ROOT / "assets").as_posix(), covered)]
    assert bare == [], "assets/NOTICE.md needs a row"
    assert [name for name in sorted(covered) if not (ROOT / "assets" / name).exists()] == []


def _covered(name: str, covered: set[str]) -> bool:
    return any(name == row or (row.endswith("/") and name.startswith(row)) for row in covered)


def test_the_licence_is_whole() -> None:
    text = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert "Apache License" in text and "END OF TERMS AND CONDITIONS" in text and len(text) > 11_000


@pytest.mark.parametrize("path", READMES, ids=ids)
def test_the_api_examples_run(path: Path, hub: "Hub", monkeypatch: pytest.MonkeyPatch) -> None:
    import gradio_client

    class Here(gradio_client.Client):
        def __init__(self, src: str) -> None:
            super().__init__(hub.url, verbose=False)

    (code,) = blocks(path, "python")
    published = {name.lstrip("/") for name in Here("").view_api(return_format="dict")["named_endpoints"]}
    assert set(re.findall(r'api_name="/(\w+)"', code)) == published
    monkeypatch.setattr(gradio_client, "Client", Here)
    said: list[Any] = []
    namespace = {"print": lambda *values: said.extend(values)}
    try:
        exec(compile(code, path.name, "exec"), namespace)
    finally:
        namespace["hub"].close()
    assert said[0] == "脂肪" and all(value not in (None, "", [], {}) for value in said)


def module(name: str, code: str, monkeypatch: pytest.MonkeyPatch) -> types.ModuleType:
    """A module made from text, importable until the test ends."""
    made = types.ModuleType(name)
    made.__file__ = f"{name}.py"
    exec(compile(code, made.__file__, "exec"), made.__dict__)
    monkeypatch.setitem(sys.modules, name, made)
    return made


def example_app(monkeypatch: pytest.MonkeyPatch) -> AppSpec:
    """The app of CONTRIBUTING.md with its strings, as if its files had been added."""
    module("apps.phrases", block("python", "def build(mount"), monkeypatch)
    for key, words in json.loads(block("json", '"run"')).items():
        monkeypatch.setitem(table(), f"phrases.{key}", words)
    return eval(block("python", "AppSpec("), {"AppSpec": AppSpec, "Words": Words})


def test_the_example_app_mounts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from apps.hub import build_hub

    spec = example_app(monkeypatch)
    built = build_hub((*find("summary"), spec), home=tmp_path)
    assert built.failed == {} and built.mounts["phrases"].endpoints == ["phrases"]
    page = json.dumps(built.demo.get_config_file(), default=str, ensure_ascii=False)
    assert "phrases-found" in page and spec.title.zh in page


def test_the_test_of_the_example_app_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    example_app(monkeypatch)
    tests = module("tests.apps.test_phrases", block("python", "def test_"), monkeypatch)
    for name, test in vars(tests).items():
        if name.startswith("test_"):
            test()


def test_the_example_character_can_be_talked_to(tmp_path: Path) -> None:
    from apps.haruhi.api import reply
    from apps.haruhi.library import Library
    from apps.haruhi.stage import Stage
    from apps.hub import build_hub
    from models.characters import characters
    from models.embedded.pictures import pick_picture
    from models.engine import GenOptions, Message

    folder = tmp_path / "characters" / "keeper"
    (folder / "pictures").mkdir(parents=True)
    (folder / "card.json").write_text(block("json", '"speaker"'), encoding="utf-8")
    (folder / "scenes.txt").write_text(block("text", "## "), encoding="utf-8")
    (folder / "pictures.json").write_text(block("json", '"portrait.svg"'), encoding="utf-8")
    (folder / "pictures" / "portrait.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg"/>')
    keeper = characters(tmp_path / "characters")["keeper"]
    shipped = set(json.loads((ROOT / "assets/characters/camel/card.json").read_text(encoding="utf-8")))
    assert set(keeper.card) >= shipped - {"order"}
    stage = Stage(Library(tmp_path))
    asked = [Message("user", "你一个人守着灯，不闷吗？")]
    said = reply(stage, stage.library.pack("", "keeper"), "船员", asked, "", GenOptions()).reply.text
    assert "灯不闷，我就不闷" in said.replace(",", "，") and pick_picture(said, keeper.pictures, ())[0] == 0
    built = build_hub(find("haruhi"), home=tmp_path)
    assert built.failed == {}


def test_the_example_engine_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    from models.engine import SummaryOptions

    module("models.embedded.lead", block("python", "class Lead"), monkeypatch)
    row = eval(block("python", "EngineSpec("), {"EngineSpec": EngineSpec})
    monkeypatch.setattr(models, "ENGINES", (row, *models.ENGINES))
    monkeypatch.setattr(models, "_built", {})
    made = models.engine_for("summarize").summarize("骆驼来了。水井满了。天亮了。", SummaryOptions(size=2), Task())
    assert made.text == "骆驼来了。\n水井满了。" and made.evidence[1].start == 5


def test_examples_are_written_as_the_house_writes(tmp_path: Path) -> None:
    for number, code in enumerate(blocks(ROOT / "CONTRIBUTING.md", "python")):
        (tmp_path / f"example_{number}.py").write_text(code, encoding="utf-8")
    command = [
        sys.executable,
        "-m",
        "ruff",
        "check",
        "--config",
        "pyproject.toml",
        "--ignore",
        "F821,ANN",
        str(tmp_path),
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout


def test_the_notebook_is_what_its_maker_writes() -> None:
    assert make.NOTEBOOK.read_text(encoding="utf-8") == make.notebook(), "run python -m notebooks.make"
    cells = json.loads(make.notebook())["cells"]
    assert [cell["id"] for cell in cells] == ["install", "options", "launch"]
    for cell in cells:
        ast.parse("".join(cell["source"]))


@pytest.mark.parametrize("path", READMES, ids=ids)
def test_the_badge_leads_to_the_notebook(path: Path) -> None:
    address = make.REPOSITORY.replace("https://github.com/", "https://colab.research.google.com/github/")
    notebook = make.NOTEBOOK.relative_to(ROOT).as_posix()
    assert f"({address}/blob/main/{notebook})" in path.read_text(encoding="utf-8")


def run_options(monkeypatch: pytest.MonkeyPatch, **changed: object) -> dict[str, Any]:
    """The options cell with other values in its form."""
    code = make.OPTIONS
    for name, value in changed.items():
        code, count = re.subn(rf"^{name} = [^#]*", f"{name} = {value!r}  ", code, flags=re.MULTILINE)
        assert count == 1, f"the form has no field {name}"
    monkeypatch.setattr(os, "environ", {"COLAB_RELEASE_TAG": "release", "HOME": str(Path.home())})
    namespace: dict[str, Any] = {}
    exec(compile(code, "options", "exec"), namespace)
    return namespace


def test_the_options_cell_makes_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    plain = run_options(monkeypatch)["chosen"]
    assert (plain.apps, plain.lang, plain.share) == ("", "zh", False)
    assert plain.home == Path("~/.luotuo").expanduser()
    other = run_options(monkeypatch, apps="qa", lang="", share=True, home=str(tmp_path))["chosen"]
    assert (other.apps, other.lang, other.share, other.home) == ("qa", "", True, tmp_path)


def test_the_launch_cell_serves_the_chosen_apps(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import gradio as gr

    from apps import hub as hub_module

    launched: list[dict[str, Any]] = []
    monkeypatch.setattr(gr.Blocks, "launch", lambda self, **options: launched.append(options))
    monkeypatch.setattr(hub_module, "warm_up", lambda apps: None)
    namespace = run_options(monkeypatch, apps="prophet", home=str(tmp_path))
    exec(compile(make.LAUNCH, "launch", "exec"), namespace)
    assert set(namespace["built"].mounts) == {"prophet"}
    assert launched[0]["share"] is False and launched[0]["inline"] is True and "middleware" in launched[0]["app_kwargs"]

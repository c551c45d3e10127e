"""Servers of the owner's: the tables of models.toml, and what a choice of one leads to, against the stub server."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models import Task, encoder, instance, voice
from models.engine import GenOptions, Message
from models.errors import BadInput, ModelUnavailable, UnknownModel
from models.remote.settings import RemoteSpec, remotes, spec
from models.rows import catalogue
from models.standing import options, standing
from tests.models import stub_server as stubs
from tests.models.stub_server import BASE, DIM, KEY, LORA, Stub

URL = "http://10.0.0.7:8000/v1"
GREEDY = GenOptions(max_new_tokens=8, temperature=0.0)
SAID = [Message("user", "骆驼住在哪里？")]


@pytest.fixture
def home(tmp_path: Path, remote_stub: Stub, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A hub's home with one server to write, one to embed, and one whose key was never set."""
    place = f'base_url = "{remote_stub.url}"\nmodel = "{BASE}"\nprivate_ok = true'
    tables = [
        f'[remote.team]\n{place}\nkey_env = "LUOTUO_TEST_KEY"\ntitle = "组里的"\nadapters = ["{LORA}"]',
        f'[remote.vectors]\n{place}\nkey_env = "LUOTUO_TEST_KEY"\nkind = "embed"',
        f'[remote.unset]\n{place}\nkey_env = "LUOTUO_TEST_NONE"',
    ]
    (tmp_path / "models.toml").write_text("\n".join(tables), encoding="utf-8")
    monkeypatch.setenv("LUOTUO_TEST_KEY", KEY)
    monkeypatch.delenv("LUOTUO_TEST_NONE", raising=False)
    instance.configure(instance.Settings(home=tmp_path, offline=True))
    yield tmp_path
    instance.configure(instance.Settings())


@pytest.fixture
def remote_stub() -> Iterator[Stub]:
    with stubs.serving() as running:
        yield running


def test_a_choice_of_a_server_speaks_by_its_name_and_by_its_adapters(home: Path, remote_stub: Stub) -> None:
    remote_stub.answer = "{model}"
    for choice, model in (("remote.team", BASE), (f"remote.team+{LORA}", LORA)):
        with voice(choice, Task()) as held:
            assert "".join(held.generate(SAID, GREEDY, task=Task())) == model
            assert model in held.origin.model and held.origin.engine == "remote"
    assert {seen.key for seen in remote_stub.seen} == {KEY}
    assert standing("remote.team").title == "组里的" and standing(f"remote.team+{LORA}").title.startswith(LORA)
    assert {standing(choice).state for choice in ("remote.team", f"remote.team+{LORA}")} == {"server"}


def test_a_server_embeds(home: Path) -> None:
    with encoder("remote.vectors", Task()) as held:
        assert held.embed(["骆驼", ""], Task()).shape == (2, DIM)


def test_the_menu_lists_servers_by_what_they_do(home: Path) -> None:
    assert instance.servers("generate") == (
        ("remote.team", "组里的"),
        (f"remote.team+{LORA}", f"{LORA} (组里的)"),
        ("remote.unset", BASE),
    )
    assert instance.servers("embed") == (("remote.vectors", BASE),)
    listed = {option.choice: option.where for option in options("embed")}
    assert listed["remote.vectors"] == "server" and "remote.team" not in listed


@pytest.mark.parametrize("choice", ["remote.none", "remote.", "remote.team+none", f"remote.vectors+{LORA}"])
def test_what_was_never_named_is_told(home: Path, remote_stub: Stub, choice: str) -> None:
    with pytest.raises(UnknownModel), voice(choice, Task()):
        pass
    assert not remote_stub.seen


def test_a_key_that_is_not_set_is_told_before_anything_is_asked(home: Path, remote_stub: Stub) -> None:
    with pytest.raises(ModelUnavailable, match="LUOTUO_TEST_NONE"), voice("remote.unset", Task()):
        pass
    assert not remote_stub.seen
    now = standing("remote.unset")  # a model bar goes on
    assert (now.state, now.title) == ("server", BASE)


def test_the_catalogue_and_the_servers_share_a_file(home: Path, tmp_path: Path) -> None:
    assert "team" not in catalogue(home).models
    assert list(remotes(home)) == ["team", "vectors", "unset"]
    assert remotes(None) == remotes(tmp_path / "nowhere") == {}


def test_a_row_is_a_frozen_value_with_its_defaults() -> None:
    row = spec("a", {"base_url": " https://api.example.com ", "model": "m"})
    assert row == RemoteSpec("a", "https://api.example.com/v1", "m", "m", "", False, "generate", ())
    with pytest.raises(AttributeError):
        row.model = "n"  # type: ignore[misc]


GOOD: dict[str, Any] = {"base_url": URL, "model": "m", "private_ok": True}


@pytest.mark.parametrize(
    ("name", "fields", "code"),
    [
        ("Ünreadable", GOOD, "row_value"),
        ("a+b", GOOD, "row_value"),
        ("a", {"model": "m"}, "remote_missing"),
        ("a", {"base_url": URL, "private_ok": True}, "remote_missing"),
        ("a", {**GOOD, "key": "sk-1"}, "row_field"),
        ("a", {**GOOD, "model": " "}, "row_value"),
        ("a", {**GOOD, "kind": "rerank"}, "row_value"),
        ("a", {**GOOD, "kind": ["embed"]}, "row_value"),
        ("a", {**GOOD, "private_ok": 1}, "row_value"),
        ("a", {**GOOD, "adapters": "camel"}, "row_value"),
        ("a", {**GOOD, "adapters": ["camel", "camel"]}, "row_value"),
        ("a", {**GOOD, "adapters": ["camel"], "kind": "embed"}, "row_value"),
        ("a", {**GOOD, "private_ok": False}, "remote_forbidden"),
        ("a", {**GOOD, "base_url": "http://169.254.169.254"}, "remote_forbidden"),
        ("a", {**GOOD, "base_url": "ftp://a"}, "remote_address"),
    ],
)
def test_a_bad_table_is_refused_in_words(name: str, fields: dict[str, Any], code: str) -> None:
    with pytest.raises(BadInput) as caught:
        spec(name, fields)
    assert caught.value.code == code and all(caught.value.text(lang) for lang in ("zh", "en"))


def test_a_key_in_place_of_its_variables_name_is_not_repeated() -> None:
    with pytest.raises(BadInput) as caught:
        spec("a", {**GOOD, "key_env": "sk-0123456789abcdef"})
    assert "0123456789" not in caught.value.text("zh") + caught.value.text("en")


@pytest.mark.parametrize("text", ["remote = 3", "[remote]\na = 3", "[remote"])
def test_a_bad_file_is_refused_in_words(tmp_path: Path, text: str) -> None:
    (tmp_path / "models.toml").write_text(text)
    with pytest.raises(BadInput):
        remotes(tmp_path)


values = st.text(max_size=8) | st.integers() | st.booleans() | st.lists(st.text(max_size=3) | st.integers())
names = st.sampled_from(["base_url", "model", "title", "key_env", "private_ok", "kind", "adapters"]) | st.text()


@given(st.text(max_size=8), st.dictionaries(names, values, max_size=5))
def test_any_table_is_a_row_or_bad_input(name: str, fields: dict[str, Any]) -> None:
    for given_fields in (fields, {**GOOD, **fields}):
        try:
            assert spec(name, given_fields).name == name
        except BadInput as error:
            assert error.text("zh")

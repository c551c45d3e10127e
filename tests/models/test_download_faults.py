"""What goes wrong in a download is told apart, tried again where it may pass, and leaves nothing broken behind."""

import logging
import shutil
from pathlib import Path

import pytest

from models import downloads, transfer
from models.downloads import Downloads, local_folder
from models.errors import DoesNotFit, HubError, ModelUnavailable
from models.task import Task
from tests.models.hub_fixtures import TOKEN, cut_short, model, refused, same, spoilt
from tests.models.stub_hub import PIECE, StubHub


def test_the_token_stays_with_the_hub(ours: Downloads, stub: StubHub, caplog: pytest.LogCaptureFixture) -> None:
    stub.then("cdn", refused(403))
    with caplog.at_level(logging.DEBUG), pytest.raises(ModelUnavailable) as caught:
        ours.fetch(model(), Task())
    assert {asked.token for asked in stub.asked if asked.kind != "cdn"} == {f"Bearer {TOKEN}"}
    assert {asked.token for asked in stub.asked if asked.kind == "cdn"} == {""}
    assert TOKEN not in caplog.text and TOKEN not in str(caught.value)


@pytest.mark.parametrize(
    ("kind", "status", "header", "code"),
    [
        ("api", 404, "RepoNotFound", "hub_repo"),
        ("api", 401, "RepoNotFound", "hub_repo"),  # to an asker without a token
        ("api", 401, "", "hub_token"),  # the token is not valid
        ("api", 403, "", "hub_token"),
        ("api", 404, "RevisionNotFound", "hub_revision"),
        ("file", 401, "GatedRepo", "hub_gated"),
        ("file", 403, "GatedRepo", "hub_gated"),
        ("api", 410, "", "hub_down"),
    ],
)
def test_refusals_are_told_apart(
    ours: Downloads, stub: StubHub, tmp_path: Path, kind: str, status: int, header: str, code: str
) -> None:
    stub.then(kind, *[refused(status, header)] * 4)
    with pytest.raises(ModelUnavailable) as caught:
        ours.fetch(model(), Task())
    assert caught.value.code == code and caught.value.text("zh") and caught.value.text("en")
    assert len(stub.names("api")) == 1 and local_folder(model(), tmp_path) is None
    stub.faults[kind].clear()
    assert ours.fetch(model(), Task()).is_dir()


def test_what_may_pass_is_tried_again(ours: Downloads, stub: StubHub, weights: Path) -> None:
    stub.then("api", refused(500), refused(503))
    stub.then("file", refused(429), refused(502))
    stub.then("cdn", cut_short, refused(504))
    assert same(ours.fetch(model(), Task()), weights)
    assert f"bytes={3 * PIECE}-" in {asked.range for asked in stub.asked}


def test_a_hub_that_stays_down_is_told(ours: Downloads, stub: StubHub, tmp_path: Path) -> None:
    stub.then("api", *[refused(503)] * transfer.N_TRIES)
    with pytest.raises(ModelUnavailable) as caught:
        ours.fetch(model(), Task())
    assert caught.value.code == "hub_down" and "503" in str(caught.value)
    unreachable = Downloads(False, cache=tmp_path, endpoint="http://127.0.0.1:9")
    with pytest.raises(ModelUnavailable) as caught:
        unreachable.fetch(model(), Task())
    assert caught.value.code == "hub_down"


def test_a_proxy_without_ranges_starts_over(ours: Downloads, stub: StubHub, weights: Path) -> None:
    stub.knows_ranges = False
    stub.then("cdn", cut_short)
    task = Task()
    assert same(ours.fetch(model(), task), weights)
    assert task.fraction == 1.0


def test_bytes_that_are_not_the_promised_ones_are_thrown_away(
    ours: Downloads, stub: StubHub, weights: Path, tmp_path: Path
) -> None:
    stub.then("cdn", spoilt)
    with pytest.raises(ModelUnavailable) as caught:
        ours.fetch(model(), Task())
    assert caught.value.code == "weights_broken" and local_folder(model(), tmp_path) is None
    assert same(ours.fetch(model(), Task()), weights)


def test_a_full_disk_is_told_before_anything_is_fetched(
    ours: Downloads, stub: StubHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage("/")
    monkeypatch.setattr(downloads.shutil, "disk_usage", lambda _: usage._replace(free=downloads.SPARE_BYTES))
    with pytest.raises(DoesNotFit) as caught:
        ours.fetch(model(), Task())
    assert caught.value.code == "no_disk" and "0.3 GiB" in str(caught.value) and "0.2 GiB" in str(caught.value)
    assert stub.names("file") == []


def test_a_disk_that_fills_up_meanwhile_is_told(
    ours: Downloads, stub: StubHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(source: object, target: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(downloads.os, "replace", full)
    with pytest.raises(DoesNotFit) as caught:
        ours.fetch(model(), Task())
    assert caught.value.code == "no_disk"


def test_a_repository_of_other_formats_has_no_weights(ours: Downloads, stub: StubHub, tmp_path: Path) -> None:
    (tmp_path / "gguf").mkdir()
    for name in ("config.json", "model.gguf", "tokenizer.json"):
        (tmp_path / "gguf" / name).write_text("{}")
    stub.repos["camel/gguf"] = tmp_path / "gguf"
    with pytest.raises(HubError) as caught:
        ours.fetch(model(repo="camel/gguf"), Task())
    assert caught.value.code == "weights_missing" and stub.names("file") == []

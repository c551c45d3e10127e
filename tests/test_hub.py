"""The page as a whole: tabs, broken apps, start options."""

import json
import logging
import re
import subprocess
import sys
from pathlib import Path

import gradio as gr
import pytest
from gradio_client import Client
from gradio_client.exceptions import AppError

import app
from apps import APPS, find
from apps.hub import build_hub, launch_options
from tests.conftest import started
from tests.planted import BROKEN

ROOT = Path(__file__).resolve().parent.parent


def test_broken_apps_show_a_card_and_the_others_live(caplog: pytest.LogCaptureFixture, tmp_path: Path) -> None:
    with caplog.at_level(logging.CRITICAL):
        built = build_hub((*BROKEN, *find("qa,summary")), home=tmp_path)
    assert set(built.failed) == {"noimport", "nobuild"}
    assert set(built.mounts) == {"norun", "qa", "summary"}
    config = built.demo.get_config_file()
    tabs = [part["props"]["id"] for part in config["components"] if part["type"] == "tabitem"]
    assert tabs == ["home", "noimport", "nobuild", "norun", "summary", "qa"]
    page = json.dumps(config, default=str, ensure_ascii=False)
    assert "half built" not in page and "planted &lt;b&gt;build&lt;/b&gt; failure" in page
    known = {part["id"] for part in config["components"]} | {0}
    for event in config["dependencies"]:
        assert {*event["inputs"], *event["outputs"]} <= known, "an event of a removed component is left"


def test_a_failing_run_tells_an_incident_and_no_secrets(tmp_path: Path) -> None:
    with started(["-m", "tests.planted"], tmp_path) as hub:
        client = Client(hub.url, verbose=False)
        with pytest.raises(AppError) as failed:
            client.predict("x", "en", api_name="/planted_run")
        assert "secret" not in str(failed.value)
        incident = re.search(r"[0-9a-f]{6}", str(failed.value))
        assert incident and f"incident {incident[0]}" in hub.log() and "/a/secret/path" in hub.log()
        good = client.predict("骆驼住在沙漠。", "骆驼住在哪里？", "zh", api_name="/answer")
        assert good["text"] == "沙漠"


def test_every_public_endpoint_is_one_that_an_app_declared(tmp_path: Path) -> None:
    built = build_hub(home=tmp_path)
    assert not built.failed
    declared = {name for mount in built.mounts.values() for name in mount.endpoints}
    public = {fn.api_name for fn in built.demo.fns.values() if fn.api_visibility == "public"}
    assert public == declared
    assert len(declared) == sum(len(mount.endpoints) for mount in built.mounts.values())


def test_launch_options_keep_the_server_private(tmp_path: Path) -> None:
    options = launch_options(build_hub(find("qa"), home=tmp_path))
    assert options["ssr_mode"] is False and options["run_history"] is False and options["enable_monitoring"] is False
    assert "allowed_paths" not in options


def test_settings_read_the_environment_and_the_command_line_wins() -> None:
    environ = {"LUOTUO_PORT": "9000", "LUOTUO_LANG": "en", "LUOTUO_APPS": "qa", "LUOTUO_SHARE": "1"}
    chosen = app.settings(["--port", "9001", "--no-share"], environ)
    assert (chosen.port, chosen.lang, chosen.apps, chosen.share) == (9001, "en", "qa", False)
    assert app.settings([], {}).host == "127.0.0.1"
    assert app.settings([], {"COLAB_RELEASE_TAG": "x"}).share


@pytest.mark.parametrize("wrong", [["--port", "0"], ["--port", "x"], ["--apps", "chat,nope"], ["--lang", "fr"]])
def test_wrong_options_end_with_a_message(wrong: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        app.settings(wrong, {})
    assert wrong[1].split(",")[-1] in capsys.readouterr().err


def test_help_needs_no_gradio() -> None:
    code = "import sys, app\ntry:\n app.settings(['--help'], {})\nexcept SystemExit:\n print('gradio' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.stdout.strip().endswith("False") and "--offline" in done.stdout


def test_demo_is_a_blocks() -> None:
    assert isinstance(app.demo, gr.Blocks)


def test_keys_are_unique_and_in_the_order_of_the_page() -> None:
    assert [spec.key for spec in APPS] == ["chat", "summary", "qa", "embedding", "haruhi", "prophet"]

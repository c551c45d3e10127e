"""Scene lines as people write them: read, and not a character lost."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.characters import characters
from models.packs.house import pack_of
from models.packs.lines import parse_lines, scene
from tests.conftest import DATA

PIECES = st.sampled_from(
    ["骆驼", "旁白", ":", "：", "「", "」", "『", "』", "（抬头）", "(笑)", "\n", "\r\n", "\r", "\n\n", " ", "\u3000",
     "\ufeff", "你好。", "...", "Scene", "'''", "{", "}", '"', "<b>", "】", "【低声】", "*摆手*", "a", "1"]
)  # fmt: skip


@given(st.lists(PIECES, max_size=40).map("".join) | st.text(max_size=80))
@settings(max_examples=300, deadline=None)
def test_the_raws_joined_are_the_text(text: str) -> None:
    lines, odd = parse_lines(text)
    assert "".join(line.raw for line in lines) == (text if lines else "")
    assert lines or not text.strip(" \t\r\n\u3000\ufeff"), "only blanks have no line"
    assert all(0 <= one.at < len(lines) for one in odd)


@pytest.mark.parametrize(
    ("raw", "read"),
    [
        ("骆驼:「走吧。」", ("骆驼", "走吧。", "speech", "")),
        ("骆驼：「走吧。」", ("骆驼", "走吧。", "speech", "")),
        ("骆驼（抬头）:「走吧。」（笑）", ("骆驼", "走吧。", "speech", "抬头；笑")),
        ("骆驼:「走吧。", ("骆驼", "走吧。", "speech", "")),
        ("骆驼:走吧。", ("骆驼", "走吧。", "speech", "")),
        ("旁白:天黑了。", ("", "天黑了。", "narration", "")),
        ("Narrator:「It is late.」", ("", "It is late.", "narration", "")),
        ("天黑了。", ("", "天黑了。", "narration", "")),
        ("骆驼:「走」（笑）「吧」", ("骆驼", "走 吧", "speech", "笑")),
        ("骆驼:「他说「走」和「吧」。」", ("骆驼", "他说「走」和「吧」。", "speech", "")),
        ("骆驼:「第一句，\n第二句。」", ("骆驼", "第一句，\n第二句。", "speech", "")),
    ],
)
def test_odd_lines_are_read(raw: str, read: tuple[str, ...]) -> None:
    lines, _ = parse_lines(raw)
    assert [tuple(line[:4]) for line in lines] == [read]


def test_the_shipped_characters_become_packs() -> None:
    for who in characters().values():
        pack = pack_of(who)
        spoken = sum(pack.is_own(line.role) for one in pack.scenes for line in one.lines)
        assert len(pack.scenes) == len(who.scenes.scenes) and spoken > 50
        assert len(pack.pictures) == len(who.pictures) and pack.pictures[0].read().startswith(b"<svg")
        assert pack.roles and pack.greeting.en and pack.licence


def test_no_line_of_the_published_packs_is_lost() -> None:
    folder = DATA / "haruhi"
    if not folder.is_dir():
        pytest.skip("needs ../shared/data, which is not part of the project")
    texts = [path.read_bytes().decode("utf-8") for path in folder.glob("*/texts/*.txt")]
    assert len(texts) > 900
    for text in texts:
        made = scene("x", text)
        assert "".join(line.raw for line in made.lines) == (text if made.lines else "")
        assert made.lines or not text.strip()


def test_a_line_of_megabytes_is_read_in_a_moment() -> None:
    """Quadratic time would run into the time limit of the tests."""
    raw = "甲:「" + "」x「" * 1_000_000
    lines, _ = parse_lines(raw)
    assert len(lines) == 1 and lines[0].raw == raw

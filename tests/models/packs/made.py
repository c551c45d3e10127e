"""Packs of our own writing for the tests, small enough to be checked by eye."""

import io
import struct
import zipfile
import zlib
from collections.abc import Mapping

import numpy as np

from models.packs.lines import scene
from models.packs.pack import Bilingual, Lore, Pack, Picture, Vectors
from models.packs.vectors import with_mean
from models.task import Task

LUOTUO = "silk-road/luotuo-bert-medium"
WELL = "小狐（探头）:「井里有水吗？」\r\n骆驼：「有，很甜。」（低头喝水）\r\n\r\n旁白:风停了。\n"
DUNE = "骆驼:「沙丘后面是家。」\n小狐:「还有多远？」\n骆驼:「三天。」"
WORDS = "骆驼是一位走过许多沙漠的老向导，说话慢，从不迷路。"


def png(colour: int = 0, *chunks: tuple[bytes, bytes]) -> bytes:
    """A picture of one pixel, with chunks of (type, body) behind the pixel."""
    parts = [
        (b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)),
        (b"IDAT", zlib.compress(bytes([0, colour, 0, 0]))),
    ]
    parts += [*chunks, (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in parts
    )


def camel(**fields: object) -> Pack:
    """A pack with something in every field."""
    rows = np.random.default_rng(0).normal(size=(5, 1536)).astype(np.float32)
    given: dict = {
        "id": "camel", "name": Bilingual("骆驼老师", "Camel"), "speaker": "骆驼", "aliases": ("老骆",),
        "persona": Bilingual(WORDS), "personality": "慢", "scenario": "绿洲", "instructions": "只说短句。{{original}}",
        "after_history": "别忘了喝水。", "examples": "<START>\n{{user}}: 早。\n{{char}}: 早，先喝水。",
        "scenes": (scene("井边", WELL, "井边.txt"), scene("沙丘：a/b", DUNE, "x")),
        "pictures": (
            Picture("微笑.png", Bilingual("骆驼在笑", "smiling"), png(1), "joy", ("笑", "开心"), portrait=True),
            Picture("生气.png", Bilingual("骆驼生气"), png(2), "anger"),
            Picture("远望.png", Bilingual("骆驼望着远方"), png(3), neutral=True),
        ),
        "greeting": Bilingual("来喝水吧。", "Have some water."), "alternate_greetings": ("你好。", "又见面了。"),
        "starters": ("去哪里？",), "roles": ("小狐", "旅人"), "deflections": ("嗯。",),
        "lore": (Lore(("绿洲",), "绿洲在北边。", order=3, secondary=("水",), selective=True, title="绿洲"),),
        "series": Bilingual("沙漠故事"), "source": "us", "licence": "Apache-2.0", "tags": ("动物",),
        "vectors": {LUOTUO: with_mean(Vectors(LUOTUO, scenes=rows[:2], captions=rows[2:], calibration={"x": 0.5}))},
    }  # fmt: skip
    return Pack(**{**given, **fields})


def zipped(files: Mapping[str, bytes | str]) -> bytes:
    """A zip of these files."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return out.getvalue()


def task() -> Task:
    """Nobody waits and nobody stops."""
    return Task()

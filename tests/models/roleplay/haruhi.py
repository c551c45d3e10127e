"""Real packs with the vectors that the originals published, read plainly; and a small pack of our own writing."""

import base64
import json
import random
from pathlib import Path

import numpy as np

from models.packs.pack import Bilingual, Lore, Pack
from models.roleplay.shelf import Shelf

SCENES = (
    "小驼:「老师，沙漠里有多少粒沙？」\n骆驼老师:「先数你鞋里的。」",
    "旅人:「去绿洲往哪边走？」\n骆驼老师:「跟着星星，别跟着我，我常常走神。」",
    "旁白:井边的水桶晃了晃。\n小驼:「水为什么是凉的？」\n骆驼老师:「它一直住在地下，没晒过太阳。」",
    "学生:「考试没考好怎么办？」\n骆驼老师:「把错题驮在背上走一段，它就轻了。」",
    "旅人:「你的驼峰里是水吗？」\n骆驼老师:「是存粮，还有一点脾气。」",
)


def camel(**given: object) -> Pack:
    """A pack without scenes of its own model: persona, one partner, one piece of lore."""
    fields = {
        "id": "camel",
        "name": Bilingual("骆驼老师", "Teacher Camel"),
        "speaker": "骆驼老师",
        "persona": Bilingual("{{char}}是一头教书的骆驼，正和{{user}}说话。"),
        "roles": ("小驼",),
        "lore": (Lore(("绿洲",), "绿洲在井的北边。"),),
    }
    return Pack(**{**fields, **given})  # type: ignore[arg-type]


def shelf(n: int = 60, dim: int = 16, seed: int = 0) -> Shelf:
    """Scenes of different lengths with vectors that share one large direction, as Luotuo's do."""
    chance, noise = random.Random(seed), np.random.default_rng(seed)
    texts = ["\n".join(chance.sample(SCENES, chance.randint(1, 4))) + f"\n小驼:「第{at}课」" for at in range(n)]
    vectors = noise.normal(size=(n, dim)) * 0.3 + 1.0
    return Shelf(tuple(f"第{at}课" for at in range(n)), tuple(texts), vectors.astype(np.float32), "test")


def published(data: Path, pack: str) -> Shelf:
    """The scenes of an original pack with their Luotuo vectors: base64 of big-endian float32."""
    lines = (data / "haruhi" / "_precomputed_luotuo" / f"{pack}.jsonl").read_text(encoding="utf-8").splitlines()[2:]
    rows = [json.loads(line) for line in lines]
    vectors = [np.frombuffer(base64.b64decode(row["luotuo_openai"]), ">f4") for row in rows]
    texts = tuple(row["text"] for row in rows)
    return Shelf(tuple(map(str, range(len(texts)))), texts, np.array(vectors, np.float32), "luotuo")


def captions(data: Path, pack: str) -> tuple[list[str], np.ndarray]:
    """The captions of an original pack and their vectors, as 1.0 published them."""
    text = (data / "haruhi" / "_legacy_jsonl" / pack / "image_embed.jsonl").read_text(encoding="utf-8")
    rows = [json.loads(line) for line in text.splitlines()]
    return [next(iter(row)) for row in rows], np.array([next(iter(row.values())) for row in rows], np.float32)

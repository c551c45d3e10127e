"""Character packs: one model (Pack), its readers and writers, and where packs live.

    pack, report = read_pack(path, task)     any format, found out from the content
    data = write_zip(pack)                   or write_hub, write_png, write_charx
    store = PackStore(home / "packs")        packs on disk, which survive restarts

Knows no model and no page. Never unpickles, never runs anything that a pack holds.
"""

from models.packs.charx import write_charx, write_png
from models.packs.hub import write_hub
from models.packs.lint import Finding, LintReport, Place
from models.packs.merging import merge
from models.packs.pack import Bilingual, Line, Lore, Pack, Picture, Scene, Vectors
from models.packs.reader import read_bytes, read_pack
from models.packs.store import Listed, PackStore
from models.packs.zipped import write_zip

__all__ = [
    "Bilingual",
    "Finding",
    "Line",
    "LintReport",
    "Listed",
    "Lore",
    "Pack",
    "PackStore",
    "Picture",
    "Place",
    "Scene",
    "Vectors",
    "merge",
    "read_bytes",
    "read_pack",
    "write_charx",
    "write_hub",
    "write_png",
    "write_zip",
]

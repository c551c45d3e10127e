"""The one door to the files that ship with the hub. Knows where they lie; knows nothing of what is in them."""

from functools import lru_cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent / "assets"


def asset(*parts: str) -> Path:
    """Path of a shipped file or folder. Raises FileNotFoundError, and refuses to leave the assets folder."""
    path = ROOT.joinpath(*parts).resolve()
    if not path.is_relative_to(ROOT):
        raise FileNotFoundError(f"{'/'.join(parts)} is not inside assets/")
    if not path.exists():
        raise FileNotFoundError(f"assets/{'/'.join(parts)} is missing; reinstall the project")
    return path


@lru_cache(maxsize=256)
def read(*parts: str) -> str:
    """Text of a shipped file, read once."""
    return asset(*parts).read_text(encoding="utf-8")

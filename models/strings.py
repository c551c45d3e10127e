"""Every word that a visitor reads, in Chinese and English: assets/i18n/<part>.json, {"key": {"zh", "en"}}.

The key `run` in summary.json is `summary.run`. Knows nothing of Gradio; apps/ui.py turns keys into its I18n.
"""

import json
from functools import lru_cache

from models.assets import asset

LANGS = ("zh", "en")


@lru_cache(maxsize=1)
def table() -> dict[str, dict[str, str]]:
    """All strings: full key → language → text."""
    strings: dict[str, dict[str, str]] = {}
    for path in sorted(asset("i18n").glob("*.json")):
        part = "error" if path.stem == "errors" else path.stem
        for key, words in json.loads(path.read_text(encoding="utf-8")).items():
            strings[f"{part}.{key}"] = words
    return strings


def language(name: str | None) -> str:
    """`zh` for every kind of Chinese and for no answer at all, `en` for anything else."""
    return "zh" if not name or name.lower().startswith("zh") else "en"


def say(key: str, lang: str, **values: object) -> str:
    """The string of `key` in `lang`, filled in. Raises KeyError for an unknown key."""
    return table()[key][language(lang)].format(**values)

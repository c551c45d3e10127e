"""Both languages side by side in one piece of markup, escaped; the style sheet shows the visitor's."""

from html import escape

from models.strings import say


def both(key: str, **values: object) -> str:
    """A string in both languages; the page shows the visitor's."""
    return both_words(say(key, "zh", **values), say(key, "en", **values))


def both_words(zh: str, en: str) -> str:
    """Two given texts, escaped; the page shows the visitor's."""
    return f'<span data-l="zh" lang="zh">{escape(zh)}</span><span data-l="en" lang="en">{escape(en)}</span>'

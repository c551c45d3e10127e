"""The gallery of characters as markup, and the form with which a visitor brings one; what was odd in a pack.

Knows what there is to choose from; choosing is apps/haruhi/wizard.py's. Everything from a pack is escaped.
"""

from collections.abc import Iterable, Sequence
from html import escape

from apps import ui
from apps.haruhi.faces import SMALL, address, face, img
from apps.haruhi.library import Library
from apps.haruhi.markup import button
from models.packs.lint import LintReport
from models.packs.pack import Bilingual, Pack, Picture
from models.packs.store import Listed
from models.strings import say

FIELDS = (  # of the form: name, lines
    ("name", 1), ("series", 1), ("persona", 3), ("greeting", 2), ("script", 6), ("roles", 1), ("licence", 1),
)  # fmt: skip
ACCEPT = ".zip,.json,.png,.charx,.jsonl,.txt,.docx,.srt,.ass,.jpg,.jpeg,.webp,.gif"
SEARCHED_FROM = 7  # characters from which on a search field is of use
_MAX_PLACES = 5


def gallery(library: Library, owner: str, chosen: Iterable[str], lang: str, report: str = "") -> str:
    """All characters that the visitor may meet; those in the story are marked. `report` is markup to show below."""
    there = set(chosen)
    cards = [_card(pack, there, lang) for pack in library.shared.values()]
    cards += [_own(one, there, lang) for one in library.own(owner)]
    find = say("haruhi.find", lang)
    field = f'<input type="search" data-filter placeholder="{escape(find)}" aria-label="{escape(find)}">'
    wizard = _wizard(lang) if library.uploads else ""
    field = field if len(cards) >= SEARCHED_FROM else ""
    return f'<div class="gallery">{field}<div class="cards-row">{"".join(cards)}</div>{wizard}{report}</div>'


def _card(pack: Pack, there: set[str], lang: str) -> str:
    facts = [pack.series, _scenes(len(pack.scenes)), Bilingual(pack.language, pack.language)]
    return _shown(pack.id, pack.name, facts, face(pack), there, lang)


def _own(one: Listed, there: set[str], lang: str) -> str:
    """A card of a visitor's own pack; one that cannot be read says so and can only be thrown away."""
    name = Bilingual(one.name, one.name)
    if one.broken:
        words = ui.both("haruhi.broken", name=one.name)
        gone = button({"do": "forget", "key": one.id}, ui.both("haruhi.forget"))
        return f'<div class="who-card broken">{words}{gone}</div>'
    picture = address(Picture(one.portrait.name, Bilingual(), one.portrait), SMALL) if one.portrait else ""
    series = Bilingual(one.series, one.series)
    facts = [series, _scenes(one.n_scenes), Bilingual(one.language, one.language)]
    return _shown(one.id, name, facts, picture, there, lang)


def _scenes(count: int) -> Bilingual:
    return Bilingual(say("haruhi.scenes_of", "zh", count=count), say("haruhi.scenes_of", "en", count=count))


def _shown(key: str, name: Bilingual, facts: Sequence[Bilingual], source: str, there: set[str], lang: str) -> str:
    words = " ".join(filter(None, (name.zh, name.en, *(fact.zh for fact in facts), *(fact.en for fact in facts))))
    told = " · ".join(ui.both_words(fact.to("zh"), fact.to("en")) for fact in facts if fact)
    named = ui.both_words(name.to("zh"), name.to("en"))
    shown = img(source, "" if source else name.to(lang), "face")
    label = f"{shown}<span><strong>{named}</strong><small>{told}</small></span>"
    here = key in there
    title = say("haruhi.join", lang, name=name.to(lang))
    more = "" if here else button({"do": "join", "key": key}, "＋", css="join", title=title)
    chosen = button({"do": "open", "key": key}, label, css="on" if here else "")
    return f'<div class="who-card" data-words="{escape(words.lower())}">{chosen}{more}</div>'


def _wizard(lang: str) -> str:
    rows = "".join(_field(name, lines, lang) for name, lines in FIELDS)
    return (
        f'<details class="wizard"><summary>{ui.both("haruhi.new")}</summary>'
        f'<p class="note">{ui.both("haruhi.new_info")}</p>'
        f'<label class="upload drop"><input type="file" data-upload="pack" accept="{ACCEPT}" multiple>'
        f"{ui.both('haruhi.upload')}</label>"
        f'<form data-form="create">{rows}<button type="submit">{ui.both("haruhi.create")}</button></form></details>'
    )


def _field(name: str, lines: int, lang: str) -> str:
    label, hint = ui.both(f"haruhi.field.{name}"), escape(say(f"haruhi.field.{name}_hint", lang))
    need = " required" if name == "name" else ""
    if lines == 1:
        box = f'<input name="{name}" maxlength="200" placeholder="{hint}"{need}>'
    else:
        box = f'<textarea name="{name}" rows="{lines}" maxlength="200000" placeholder="{hint}"></textarea>'
    return f"<label>{label}{box}</label>"


def lint_report(report: LintReport, name: str) -> str:
    """What was read, and what was odd in it, worst first, with places."""
    head = ui.both("haruhi.lint", name=name, files=report.n_files, lines=report.n_lines)
    rows = "".join(
        f'<li class="{one.severity}">{ui.both_words(one.text("zh"), one.text("en"))}{_places(one.places)}</li>'
        for one in report.findings
    )
    clean = "" if rows else f" {ui.both('haruhi.lint_clean')}"
    folded = f'<ul class="lint">{rows}</ul>' if rows else ""
    opened = " open" if report.worst() == "error" else ""
    return f'<details class="report"{opened}><summary>{head}{clean}</summary>{folded}</details>'


def _places(places: Sequence) -> str:  # type: ignore[type-arg]  (of models.packs.lint.Place)
    shown = (
        f"{one.file}:{one.line} {one.excerpt}" if one.line else f"{one.file} {one.excerpt}"
        for one in places[:_MAX_PLACES]
    )
    lines = "".join(f"<li>{escape(line.strip())}</li>" for line in shown)
    return f"<ul>{lines}</ul>" if lines else ""

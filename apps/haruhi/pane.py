"""The pane beside the conversation as markup: picture, who the character is, what was remembered.

Every text of a pack or a model is escaped here.
"""

from html import escape

from apps import ui
from apps.haruhi.faces import LARGE, SMALL, address, img
from apps.haruhi.markup import button
from models.engine import Reply
from models.packs.pack import Pack
from models.roleplay.compose import Prompt
from models.roleplay.pictures import Pick
from models.roleplay.recall import Candidate

SCENES = 12  # scenes that the memory panel lists


def picture_pane(pack: Pack, at: int, found: Pick | None = None) -> str:
    """The picture with its caption, why it is shown, and the best three with their scores; a button for another."""
    if not 0 <= at < len(pack.pictures):
        nothing = f'<p class="note">{ui.both("haruhi.why.none")}</p>'
        return f'<div class="picture none">{img("", pack.speaker, "large")}{nothing}</div>'
    picture = pack.pictures[at]
    words = ui.both_words(picture.caption.to("zh"), picture.caption.to("en"))
    note = f"<small>{ui.both(f'haruhi.why.{found.why}', score=f'{found.score:.1f}')}</small>" if found else ""
    strip = "".join(_runner_up(pack, one.index, one.score) for one in found.ranking) if found else ""
    return (
        f'<figure class="picture">{img(address(picture, LARGE), picture.caption.to("zh"))}'
        f"<figcaption>{words} {note}</figcaption></figure>" + (f'<ul class="strip">{strip}</ul>' if strip else "")
        + button({"do": "picture"}, ui.both("haruhi.give_picture"), css="wide", name="haruhi-more")
    )  # fmt: skip


def _runner_up(pack: Pack, at: int, score: float) -> str:
    picture = pack.pictures[at]
    title = f"{picture.caption.to('zh')} · {picture.caption.to('en')} · {score:.1f}"
    return (
        f'<li title="{escape(title)}">{img(address(picture, SMALL), picture.caption.to("zh"))}'
        f"<small>{score:.1f}</small></li>"
    )


def person(pack: Pack, *, own: bool) -> str:
    """Name, where from, persona, and how much there is of them; with what may be done to one's own pack."""
    count = ui.both("haruhi.scene_count", scenes=len(pack.scenes), pictures=len(pack.pictures))
    names, series, who = (ui.both_words(one.to("zh"), one.to("en")) for one in (pack.name, pack.series, pack.persona))
    given = " · ".join(filter(None, (series, count, escape(pack.licence[:80]))))
    files = "".join(
        button({"do": "pack", "kind": kind}, ui.both(f"haruhi.pack.{kind}")) for kind in ("zip", "png", "charx", "hub")
    )
    gone = button({"do": "forget"}, ui.both("haruhi.forget"), css="danger") if own else ""
    return (
        f'<details class="about"><summary>{ui.both("haruhi.about")}</summary>'
        f'<h3>{names}</h3><p class="note">{given}</p>'
        f'<p class="persona">{who}</p><p>{ui.both("haruhi.pack")}</p><div class="tools">{files}{gone}</div></details>'
    )


def memory(found: Reply, prompt: Prompt | None) -> str:
    """Who answered, and the scenes that came into question; for a model each with its tokens and why it was cut."""
    if prompt is None:
        return ui.badge(found.origin) + ui.evidence_list(found.evidence, title="haruhi.scenes")
    rows = [one for recall in prompt.recalls for one in recall.candidates][:SCENES]
    heads = "".join(f"<th>{ui.both(f'haruhi.memory.{name}')}</th>" for name in ("scene", "score", "tokens", "why"))
    title = ui.both("haruhi.memory.title", kept=sum(one.kept for one in rows), tokens=prompt.n_scene_tokens)
    lines = "".join(_row(one) for one in rows)
    table_ = f'<div class="map-table"><table><thead><tr>{heads}</tr></thead><tbody>{lines}</tbody></table></div>'
    return (
        f"{ui.badge(found.origin)}<details><summary>{title}</summary>{table_ if rows else ''}</details>{_lore(prompt)}"
    )


def _row(one: Candidate) -> str:
    why = ui.both("haruhi.memory.kept") if one.kept else ui.both(f"haruhi.memory.{one.reason or 'unused'}")
    name = f"<details><summary>{escape(one.title)}</summary><p>{escape(one.text)}</p></details>"
    return f"<tr><td>{name}</td><td>{one.score:.2f}</td><td>{one.n_tokens}</td><td>{why}</td></tr>"


def _lore(prompt: Prompt) -> str:
    """The entries of the lorebook that the model was told, and what called them."""
    entries = [told for told in prompt.lore.entries if not told.cut]
    rows = "".join(
        f"<li><b>{escape(told.key or told.entry.title)}</b> {escape(told.entry.content[:300])}</li>" for told in entries
    )
    title = ui.both("haruhi.lore", count=len(entries))
    return f"<details><summary>{title}</summary><ul>{rows}</ul></details>" if rows else ""

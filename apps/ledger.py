"""The ledger on the home tab: every model in memory with bytes, holders, last use and cost to reload; what this machine
is and why; pin, unload, add a model. Drawn by assets/ledger.js, which asks `ledger` while it can be seen.
"""

from html import escape
from typing import Any

import gradio as gr

from apps.bilingual import both
from apps.modelbar import gib
from apps.work import explain
from models import instance
from models.errors import BadInput
from models.plan import Part
from models.rows import row
from models.standing import Row, Totals, rows, totals
from models.strings import language, say, table

FORM = """<details class="ledger-add"><summary>{add}</summary><form><p class="note">{note}</p>
<label>{kind}<select name="kind"><option value="models">{base_kind}</option>
<option value="adapters">{adapter_kind}</option></select></label>
<label>{key}<input name="key" required maxlength="64" pattern="[a-z0-9][a-z0-9._\\-]*" placeholder="my-model"></label>
<label>{source}<input name="source" required maxlength="400" placeholder="org/name · ~/models/name"></label>
<label>{base}<input name="base" maxlength="200" placeholder="qwen3-4b"></label>
<button type="submit">{go}</button><output></output></form></details>"""


def build() -> None:
    """The ledger, and the form where the owner of the hub allows it."""
    gr.HTML(
        "",
        html_template="<div></div>",
        js_on_load="hubScript('ledger').then(() => hubLedger(element, server))",
        elem_id="hub-ledger",
        server_functions=[shell, ledger, act, add],
    )


def shell(_: Any = None) -> str:  # noqa: ANN401  (a function of one argument, as Gradio calls it)
    """The frame that the script fills."""
    return f'<section class="ledger"><h2>{both("ledger.title")}</h2><div class="ledger-body"></div>{_form()}</section>'


def _form() -> str:
    if not instance.settings().manage:
        return ""
    words = {name: both(f"ledger.form.{name}") for name in ("add", "note", "kind", "key", "source", "base", "go")}
    kinds = {
        f"{name}_kind": escape(" / ".join(say(f"ledger.form.{name}_kind", lang) for lang in ("zh", "en")))
        for name in ("base", "adapter")
    }
    return FORM.format(**words, **kinds)


def ledger(_: Any = None) -> str:  # noqa: ANN401
    """The whole ledger as markup, both languages in it."""
    return table_of(rows()) + foot(totals())


def table_of(held: tuple[Row, ...]) -> str:
    """One line per model in memory."""
    if not held:
        return f'<p class="empty">{both("ledger.empty")}</p>'
    heads = "".join(
        f"<th>{both(f'ledger.{name}')}</th>" for name in ("model", "bytes", "holders", "last_use", "reload")
    )
    manage = instance.settings().manage
    lines = "".join(_line(one, manage) for one in held)
    return (
        f'<div class="ledger-table"><table><thead><tr>{heads}<th></th></tr></thead><tbody>{lines}</tbody></table></div>'
    )


def _line(one: Row, manage: bool) -> str:
    name = escape(one.title)
    title = f"↳ {name}" if one.part.adapter else f"<b>{name}</b> <code>{escape(one.part.precision)}</code>"
    state = both(f"ledger.state.{one.state}")
    if one.state == "loading":
        words = both(one.note) if one.note in table() else ""
        value = round(100 * one.fraction)
        state = f'<progress max="100" value="{value}" aria-label="{escape(one.title)}"></progress> {words}'
    marks = (" 📌" if one.pinned else "") + (f" · {both('ledger.closing')}" if one.closing else "")
    cells = [
        f"{title}<br><small>{state}{marks}</small>",
        gib(one.n_bytes),
        str(one.n_holders),
        _ago(one),
        _seconds(one.load_s),
    ]
    return (
        f"<tr>{''.join(f'<td>{cell}</td>' for cell in cells)}<td class='acts'>{_acts(one) if manage else ''}</td></tr>"
    )


def _acts(one: Row) -> str:
    part = escape("|".join(one.part))
    pin = "unpin" if one.pinned else "pin"
    buttons = [pin] if one.pinned or one.state == "loading" else [pin, "unload"]
    return "".join(
        f'<button type="button" data-act="{name}" data-part="{part}">{both(f"ledger.act.{name}")}</button>'
        for name in buttons
    )


def _ago(one: Row) -> str:
    return both("ledger.now") if one.n_holders else both("ledger.ago", seconds=round(one.idle_s))


def _seconds(seconds: float) -> str:
    return both("ledger.seconds", seconds=f"{seconds:.1f}") if seconds else "—"


def foot(told: Totals) -> str:
    """Bytes against the budget, who waits, the machine and the reasons."""
    share = round(100 * told.used / told.budget) if told.budget else 0
    parts = [
        f'<p class="ledger-sum"><progress max="100" value="{min(100, share)}" aria-label="{share}%"></progress> '
        f"{both('ledger.sum', used=gib(told.used), budget=gib(told.budget))}</p>"
    ]
    if told.lost:
        parts.append(f'<p class="note">{both("ledger.lost", lost=gib(told.lost))}</p>')
    for title, count in told.waiting:
        parts.append(f'<p class="note">{both("ledger.waiting", title=title, count=count)}</p>')
    if told.machine is None:
        parts.append(f'<p class="note">{both("ledger.looking")}</p>')
    else:
        for reason in (told.machine.reason, told.machine.budget_reason):
            parts.append(f'<p class="note">{both(reason.key, **dict(reason.values))}</p>')
    if told.metrics["leases"]:
        parts.append(f'<p class="note">{both("ledger.metrics", **told.metrics)}</p>')
    return "".join(parts)


def act(given: Any = None) -> bool:  # noqa: ANN401
    """Pins, unpins or unloads a part; refused where the owner of the hub does not allow it."""
    asked = given if isinstance(given, dict) else {}
    fields = str(asked.get("part", "")).split("|")
    if not instance.settings().manage or len(fields) != 3:
        return False
    part, pool = Part(*fields), instance.pool()
    if part not in {one.part for one in rows()}:
        return False
    match asked.get("act"):
        case "pin" | "unpin" as name:
            pool.pin(part, name == "pin")
        case "unload":
            pool.unload(part)
        case _:
            return False
    return True


def add(given: Any = None) -> dict[str, Any]:  # noqa: ANN401
    """Adds a model or an adapter to the catalogue of this hub and to its models.toml."""
    asked = {name: str(value).strip() for name, value in given.items()} if isinstance(given, dict) else {}
    lang = language(asked.get("lang", ""))
    try:
        if not instance.settings().manage or asked.get("kind") not in ("models", "adapters"):
            raise BadInput("bad_option")
        source, base = asked.get("source", ""), asked.get("base", "")
        place = "folder" if source.startswith(("/", "~", ".")) or ":\\" in source else "repo"
        fields = {place: source} | ({"base": base} if base and asked["kind"] == "adapters" else {})
        made = row(asked["kind"], asked.get("key", ""), fields)
        instance.add(asked["kind"], made, fields)
        return {"added": True, "words": say("ledger.form.added", lang, title=made.title)}
    except Exception as error:
        return {"added": False, "words": explain(error, lang)}

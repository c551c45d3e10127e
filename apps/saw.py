"""What the model saw: the final prompt to the letter, and where its tokens went, as a folded piece of markup.

Knows prompts and how they are shown; everything in them is escaped.
"""

from html import escape

from apps import ui
from models.engine import FinalPrompt
from models.prompted import Watched

PARTS = {
    "system": "saw.part.system",
    "history": "saw.part.history",
    "message": "saw.part.message",
    "format": "saw.part.format",
    "answer": "saw.part.answer",
}
SHOWN = 20_000  # characters of a prompt; of a longer one the beginning and the end


def saw(voice: Watched) -> str:
    """The last prompt that went through a voice, "" when none did."""
    return saw_of(voice.seen, voice.n_prompts) if voice.seen else ""


def saw_of(seen: FinalPrompt, n_prompts: int = 1) -> str:
    """A prompt, of `n_prompts` the last one."""
    title = ui.both("saw.title", kept=seen.n_tokens, context=seen.n_context)
    more = f'<p class="note">{ui.both("saw.more", count=n_prompts)}</p>' if n_prompts > 1 else ""
    return (
        f'<details class="saw"><summary>{title}</summary>{more}<ul class="budget">{_budget(seen)}</ul>'
        f'<pre class="prompt" tabindex="0">{_cut(seen.text)}</pre></details>'
    )


def _budget(seen: FinalPrompt) -> str:
    """One bar for every part of the prompt and one for what is kept free for the answer."""
    used = [(part.name, part.n_kept, part.n_dropped) for part in seen.parts if part.n_kept or part.n_dropped]
    most = max(1, seen.n_tokens + seen.n_reserved)
    return "".join(_bar(name, kept, dropped, most) for name, kept, dropped in [*used, ("answer", seen.n_reserved, 0)])


def _bar(name: str, kept: int, dropped: int, most: int) -> str:
    words = ui.both(PARTS[name]) if name in PARTS else escape(name)
    lost = f" · {ui.both('saw.dropped', count=dropped)}" if dropped else ""
    return (
        f'<li><span class="part">{words}</span><progress max="{most}" value="{kept}" aria-label="{kept}"></progress>'
        f'<span class="score">{kept}{lost}</span></li>'
    )


def _cut(text: str) -> str:
    if len(text) <= SHOWN:
        return escape(text)
    return f"{escape(text[: SHOWN // 2])}<span class='gap'> …… </span>{escape(text[-SHOWN // 2 :])}"

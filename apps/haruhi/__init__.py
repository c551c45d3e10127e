"""Chat凉宫春日: talk to any character; the reply is their own next line in the closest scene or, with a model that the
visitor chose, a new line in character, with the scenes that the model was shown. A picture goes with it.

story (what a browser keeps) → stage, wizard (what happens) → markup, pane, gallery (what shows); acting is who answers,
library who there is; tab is the page, api the endpoint. Only `build`, which is fetched when asked for, needs Gradio.
"""

from typing import TYPE_CHECKING, Any

from apps.haruhi.library import Library
from apps.haruhi.stage import Stage, View
from apps.haruhi.story import Story, read, write

if TYPE_CHECKING:
    from apps.haruhi.tab import build

__all__ = ["Library", "Stage", "Story", "View", "build", "read", "write"]


def __getattr__(name: str) -> Any:  # noqa: ANN401  (a module's attribute may be anything)
    """`build`: the only part that imports Gradio."""
    if name != "build":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from apps.haruhi.tab import build

    return build

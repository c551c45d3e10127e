"""骆驼嵌入: a pile of short texts as a map, with clusters, their names, and a search that lights up what it finds.

corpus (lines) → vectors → clusters, layout (tsne, UMAP, PCA) → atlas, which find, figure and words show; tab is the
page. What stands here needs no Gradio, except `build`, which is fetched when it is asked for.
"""

from typing import TYPE_CHECKING, Any

from apps.embedding.atlas import Atlas, Options, atlases, warm
from apps.embedding.corpus import Corpus, read_lines
from apps.embedding.find import Hit, search

if TYPE_CHECKING:
    from apps.embedding.tab import build

__all__ = ["Atlas", "Corpus", "Hit", "Options", "atlases", "build", "read_lines", "search", "warm"]


def __getattr__(name: str) -> Any:  # noqa: ANN401  (a module's attribute may be anything)
    """`build`: the only part that imports Gradio."""
    if name != "build":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from apps.embedding.tab import build

    return build

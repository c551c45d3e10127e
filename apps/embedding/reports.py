"""What the tab says about clusters and labels in detail: outliers, near-duplicates, agreement, learnt labels, pairs.

Everything that becomes markup is escaped. Knows nothing of Gradio.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING

from apps import ui
from apps.embedding.atlas import Atlas
from apps.embedding.classify import Classified
from apps.embedding.clusters.agreement import Agreement
from apps.embedding.compare import Comparison
from apps.embedding.pairs import Pairs
from apps.embedding.payload import clipped
from apps.embedding.words import SHOWN, button, grid, listed

if TYPE_CHECKING:
    import numpy as np

_GROUPS = 50  # groups of near-duplicates that are listed
_SURE = 100  # texts with a learnt label that are listed


def outlying(atlas: Atlas, found: Sequence[tuple[int, float]]) -> str:
    """Texts that lie far from the middle of their cluster, farthest first."""
    notes = [f"{distance:.2f}" for _, distance in found]
    return listed(atlas, [row for row, _ in found], notes) if found else ui.empty("embedding.no_outliers")


def repeated(atlas: Atlas, groups: Sequence[Sequence[int]]) -> str:
    """Groups of nearly equal texts, largest first."""
    if not groups:
        return ui.empty("embedding.no_duplicates")
    title = ui.both("embedding.duplicates_found", groups=len(groups), texts=sum(map(len, groups)))
    body = "".join(f"<li>{listed(atlas, group[:8])}</li>" for group in groups[:_GROUPS])
    return f'<h3 class="small">{title}</h3><ol class="groups">{body}</ol>'


def agreeing(found: Agreement) -> str:
    """NMI, ARI and the table of classes by clusters."""
    said = ui.both("embedding.agreement", nmi=f"{found.nmi:.2f}", ari=f"{found.ari:.2f}", texts=found.texts)
    names = [str(number + 1) if number >= 0 else "—" for number in found.clusters]
    return f'<p class="note">{said}</p>{crossed(found.classes, names, found.counts)}'


def crossed(rows: Sequence[str], columns: Sequence[str], counts: "np.ndarray") -> str:
    """A table of counts, each cell as dark as its share of its row."""
    head = "".join(f"<th scope='col'>{escape(clipped(name, 12))}</th>" for name in columns)
    body = ""
    for name, line in zip(rows, counts.tolist(), strict=True):
        most = max(1, sum(line))
        cells = "".join(f"<td style='--share:{round(100 * value / most)}%'>{int(value)}</td>" for value in line)
        body += f"<tr><th scope='row'>{escape(clipped(name, 16))}</th>{cells}</tr>"
    table = f"<table><thead><tr><td></td>{head}</tr></thead><tbody>{body}</tbody></table>"
    return f'<div class="map-table crossed" tabindex="0">{table}</div>'


def taught(atlas: Atlas, examples: Mapping[int, str]) -> str:
    """The examples so far, by label."""
    if not examples:
        return ui.empty("embedding.no_examples")
    counts = Counter(examples.values())
    chips = "".join(f"<li style='--w:.3'>{escape(clipped(name, 24))} · {count}</li>" for name, count in counts.items())
    return f'<ul class="phrases">{chips}</ul>'


def learnt(atlas: Atlas, made: Classified) -> str:
    """How well the labels can be told on examples held out, how many texts got which, the least certain first."""
    if made.accuracy is None:
        said = ui.both("embedding.no_accuracy")
    else:
        said = ui.both(
            "embedding.accuracy", accuracy=f"{made.accuracy:.0%}", baseline=f"{made.baseline:.0%}", folds=made.folds
        )
    counts = Counter(made.labels)
    chips = "".join(f"<li style='--w:.3'>{escape(clipped(name, 24))} · {counts[name]}</li>" for name in made.classes)
    matrix = "" if made.confusion is None else (
        f'<h3 class="small">{ui.both("embedding.confusion")}</h3>{crossed(made.classes, made.classes, made.confusion)}'
    )  # fmt: skip
    doubtful = made.confidence.argsort(kind="stable")[:_SURE].tolist()
    rows = "".join(
        f"<tr><td>{button('row', row, clipped(atlas.corpus.texts[row], SHOWN))}</td>"
        f"<td>{escape(clipped(made.labels[row], 24))}</td><td>{made.confidence[row]:.0%}</td></tr>"
        for row in doubtful
    )
    title = ui.both("embedding.doubtful")
    return (
        f'<p class="note">{said}</p><ul class="phrases">{chips}</ul>{matrix}<h3 class="small">{title}</h3>'
        f"{grid(('text', 'label', 'confidence'), rows)}"
    )


def paired(pairs: Pairs) -> str:
    """How often the second of a pair is the nearest to the first, and which pairs it is farthest for."""
    said = ui.both("embedding.retrieval", recall=f"{pairs.recall:.2f}", mrr=f"{pairs.mrr:.3f}", pairs=len(pairs.first))
    worst = [at for at in (-pairs.ranks).argsort(kind="stable")[:20].tolist() if pairs.ranks[at] > 1]
    rows = "".join(
        f"<tr><td>{pairs.ranks[at]}</td><td>{pairs.matrix[at, at]:.3f}</td>"
        f"<td>{escape(clipped(pairs.first[at], SHOWN))}</td><td>{escape(clipped(pairs.second[at], SHOWN))}</td></tr>"
        for at in worst
    )
    missed = f'<h3 class="small">{ui.both("embedding.missed")}</h3>{grid(("rank", "cosine", "first", "second"), rows)}'
    return f'<p class="map-facts">{said}</p>{missed if worst else ""}'


def changed(atlas: Atlas, found: Comparison) -> str:
    """How much of each text's neighbourhood two embedders share, and the pairs that moved most."""
    said = ui.both("embedding.overlap", mean=f"{found.mean:.0%}", chance=f"{found.chance:.0%}")
    texts = atlas.corpus.texts
    rows = "".join(
        f"<tr><td>{escape(clipped(texts[moved.row], 80))}</td><td>{escape(clipped(texts[moved.other], 80))}</td>"
        f"<td>{moved.before:.2f}</td><td>{moved.after:.2f}</td></tr>"
        for moved in found.moved[:50]
    )
    title = ui.both("embedding.moved")
    return (
        f'<p class="map-facts">{said}</p><h3 class="small">{title}</h3>{grid(("first", "second", "one", "two"), rows)}'
    )

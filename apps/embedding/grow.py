"""New texts on a map that is there: old points stay where they are, new ones come between those that they are like.

Only the new texts are embedded. Knows the atlas; knows nothing of Gradio or of drawing.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from apps.embedding import layout
from apps.embedding.atlas import Atlas
from apps.embedding.cache import VectorCache
from apps.embedding.corpus import MAX_TEXTS, Corpus
from apps.embedding.stage import Stage
from apps.embedding.vectors import UPLOADED, Vectors, embed, filled
from models.errors import BadInput
from models.task import Task

if TYPE_CHECKING:
    import numpy as np

    from apps.embedding.vectors import Matrix


def extended(atlas: Atlas, corpus: Corpus, task: Task, *, cache: VectorCache | None = None) -> Atlas:
    """The atlas with more texts. New rows stand at the end; texts that are already there only raise counts.

    Names, numbers and typical texts of the clusters stay. Raises BadInput (too_many_texts, no_encoder for uploaded
    vectors, other_encoder), what the model's lease raises, Cancelled.
    """
    place = {pair: row for row, pair in enumerate(zip(atlas.corpus.texts, atlas.corpus.labels, strict=True))}
    pairs = list(zip(corpus.texts, corpus.labels, strict=True))
    new = [row for row, pair in enumerate(pairs) if pair not in place]
    known = {place[pair]: corpus.counts[row] for row, pair in enumerate(pairs) if pair in place}
    if len(place) + len(new) > MAX_TEXTS:
        raise BadInput("too_many_texts", count=len(place) + len(new), limit=MAX_TEXTS)
    made = _embedded(atlas.vectors, [corpus.texts[row] for row in new], task, cache) if new else None
    kept = filled(made.rows) if made else []
    grown = replace(
        atlas, corpus=_joined(atlas.corpus, corpus, [new[at] for at in kept], known, wordless=len(new) - len(kept))
    )
    return _placed(grown, made.keep(kept), task) if made and kept else grown


def _embedded(vectors: Vectors, texts: list[str], task: Task, cache: VectorCache | None) -> Vectors:
    if vectors.key == UPLOADED and not vectors.choice:
        raise BadInput("no_encoder")
    made = embed(texts, vectors.choice, Stage(task, 0.0, 0.6, "embedding.vectors"), cache=cache)
    if made.fingerprint != vectors.fingerprint:
        raise BadInput("other_encoder")
    return made


def _joined(old: Corpus, new: Corpus, rows: list[int], known: Mapping[int, int], *, wordless: int) -> Corpus:
    """The old corpus with rows of the new one behind it; their line numbers go on where the old ones ended."""

    def more(values: tuple[str, ...], blank: int) -> tuple[str, ...]:
        return tuple(values[row] for row in rows) if values else ("",) * blank

    total = len(rows)
    raised = [count + known.get(row, 0) for row, count in enumerate(old.counts)]
    titles = bool(old.titles or new.titles)
    names = dict.fromkeys((*old.columns, *new.columns))
    return replace(
        old,
        texts=(*old.texts, *more(new.texts, 0)), labels=(*old.labels, *more(new.labels, 0)),
        counts=(*raised, *(new.counts[row] for row in rows)),
        lines=(*old.lines, *(old.total + new.lines[row] for row in rows)),
        titles=(*(old.titles or ("",) * len(old.texts)), *more(new.titles, total)) if titles else (),
        columns={
            name: (*old.columns.get(name, ("",) * len(old.texts)), *more(new.columns.get(name, ()), total))
            for name in names
        },
        empty=old.empty + new.empty, wordless=old.wordless + new.wordless + wordless, total=old.total + new.total,
    )  # fmt: skip


def _placed(atlas: Atlas, made: Vectors, task: Task) -> Atlas:
    """The atlas, whose corpus has grown already, with rows, positions and clusters of the new texts."""
    import numpy as np

    space = atlas.space
    flat = space.project(made.rows)
    stage = Stage(task, 0.6, 1.0, "embedding.arranging")
    positions, near = layout.place(flat, space.vectors, atlas.positions, stage)
    labels = _commonest(atlas.labels[near.rows], atlas.labels[near.rows[:, 0]])
    return replace(
        atlas,
        vectors=replace(atlas.vectors, rows=_stacked(atlas.rows, made.rows), reused=atlas.vectors.reused + made.reused),
        space=replace(space, vectors=np.concatenate([space.vectors, flat])),
        positions=np.concatenate([atlas.positions, positions]),
        labels=np.concatenate([atlas.labels, labels]),
        near=None,
    )


def _stacked(old: "Matrix", new: "Matrix") -> "Matrix":
    import numpy as np
    from scipy.sparse import issparse, vstack

    return vstack([old, new], format="csr") if issparse(old) else np.concatenate([old, new])


def _commonest(around: "np.ndarray", nearest: "np.ndarray") -> "np.ndarray":
    """(m, k) clusters of the neighbours → (m,) the commonest of each; the nearest one's where several are."""
    import numpy as np

    votes = (around[:, :, None] == around[:, None, :]).sum(axis=2)
    own = (around == nearest[:, None]).sum(axis=1)
    best = around[np.arange(len(around)), votes.argmax(axis=1)]
    return np.where(own >= votes.max(axis=1), nearest, best).astype(np.int32)

"""What the clusters are about, by the embedded engine's key phrases. Knows nothing of vectors."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from models.embedded.keyphrases import class_phrases
from models.task import Task

if TYPE_CHECKING:
    import numpy as np

_NAMES = 3  # phrases in a cluster's name


def named(texts: Sequence[str], labels: "np.ndarray", task: Task) -> tuple[tuple[str, ...], ...]:
    """For each cluster up to three phrases that it holds and the others do not. Noise (−1) has none.

    Class-based tf-idf (Grootendorst 2022) over Chinese phrases. Raises Cancelled.
    """
    groups = [[texts[row] for row in (labels == number).nonzero()[0]] for number in range(labels.max() + 1)]
    found = class_phrases(groups, 3 * _NAMES, task)
    return tuple(_shared(phrases, group) for phrases, group in zip(found, groups, strict=True))


def _shared(phrases: Sequence[str], group: Sequence[str]) -> tuple[str, ...]:
    """The first phrases that stand in several texts of the group, since one text's wording names no group."""
    lowered = [text.lower() for text in group]
    common = [phrase for phrase in phrases if sum(phrase in text for text in lowered) > 1]
    return tuple((common or phrases[:1])[:_NAMES])

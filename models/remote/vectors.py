"""The vectors in an answer of /v1/embeddings, checked and brought to unit length."""

import base64
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np


def unit_rows(answer: Any, n: int) -> "np.ndarray":  # noqa: ANN401  (whatever JSON the server sent)
    """(n, dim) float32, rows of unit length in the order of the question; a zero vector stays zero.

    Raises ValueError: not n vectors, not each index once, vectors of unlike length, something that is no number.
    """
    import numpy as np

    data = answer.get("data") if isinstance(answer, dict) else None
    if not isinstance(data, list) or len(data) != n or not all(isinstance(item, dict) for item in data):
        raise ValueError(f"not {n} vectors")
    by_index = {item.get("index", at): item.get("embedding") for at, item in enumerate(data)}
    if set(by_index) != set(range(n)):
        raise ValueError("not one vector for each text")
    try:
        rows = np.array([_numbers(by_index[at]) for at in range(n)], dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        raise ValueError("vectors of unlike length, or not of numbers") from None
    if rows.ndim != 2 or not rows.shape[1] or not np.isfinite(rows).all():
        raise ValueError("not vectors of finite numbers")
    peak = np.abs(rows).max(axis=1, keepdims=True)
    rows /= np.where(peak > 0, peak, 1)  # first, so that the square of a huge number cannot overflow
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    return (rows / np.where(norms > 0, norms, 1)).astype(np.float32)


def _numbers(vector: object) -> Any:  # noqa: ANN401  (a list, or an array where the server answers in base64)
    if isinstance(vector, str):  # some servers do so whatever encoding was asked for
        import numpy as np

        return np.frombuffer(base64.b64decode(vector, validate=True), dtype="<f4")
    if not isinstance(vector, list):
        raise TypeError
    return vector

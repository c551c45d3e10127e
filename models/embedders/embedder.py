"""NeuralEmbedder: many visitors, one network, one batch at a time in turn."""

import logging
import weakref
from collections.abc import Sequence
from typing import TYPE_CHECKING

from models.embedders.network import Network
from models.embedders.turns import Turns
from models.embedders.windows import Splitter, Window, batches
from models.errors import DoesNotFit, HubError, ModelUnavailable
from models.lanes import out_of_memory
from models.memory import give_back, trim
from models.task import Task

if TYPE_CHECKING:
    import numpy as np

__all__ = ["NeuralEmbedder"]


class NeuralEmbedder:
    """One embedder, open for many visitors. Made by `models.embedders.load`.

    `fingerprint` is the same as long as the same text gives the same vector: 12 hex digits over the files, the
    precision and the query's instruction.
    """

    def __init__(
        self, network: Network, splitter: Splitter, *, query: str, fingerprint: str, max_batch_tokens: int
    ) -> None:
        self._network: Network | None = network
        self._splitter, self._query, self._max_batch_tokens = splitter, query, max_batch_tokens
        self._turns = Turns()
        self.dim, self.n_bytes = network.dim, network.n_bytes
        self.n_context = splitter.n_tokens  # tokens of one window; longer texts have several
        self.fingerprint = fingerprint

    def embed(self, texts: Sequence[str], task: Task, *, query: bool = False) -> "np.ndarray":
        """Returns (n, dim) float32, rows of unit length in the order of the texts; zero for texts without content.

        A text longer than the window is the mean of its windows' unit vectors, weighted by their tokens and brought
        to unit length again. `query` puts the model's instruction for searches in front of every text.
        Raises Cancelled, DoesNotFit when even one window does not fit the memory, ModelUnavailable once unloaded.
        """
        import numpy as np

        if query:
            texts = [self._query + text if text.strip() else "" for text in texts]
        windows = self._splitter.split(texts, task)
        n_all, n_done = sum(len(window.ids) for window in windows), 0
        rows = np.zeros((len(texts), self.dim), dtype=np.float64)
        for batch in batches(windows, self._max_batch_tokens):
            weights = np.array([window.n_content for window in batch], dtype=np.float64)
            np.add.at(rows, [window.text for window in batch], weights[:, None] * self._vectors(batch, task))
            n_done += sum(len(window.ids) for window in batch)
            task.step(n_done / n_all)
        return _unit(rows).astype(np.float32)

    def unload(self) -> bool:
        """Frees the weights after the batch that runs now; True when nothing holds the model any more."""
        with self._turns.turn():
            if self._network is None:
                return True
            alive = weakref.ref(self._network.transformer)
            self._network = None
        give_back()
        return alive() is None

    def _vectors(self, batch: Sequence[Window], task: Task) -> "np.ndarray":
        """(n, dim) unit vectors of windows; where memory does not suffice for all together, of one half and another."""
        import numpy as np

        problem: Exception
        try:
            with self._turns.turn():
                task.check()
                if self._network is None:
                    raise ModelUnavailable("model_unloaded")
                return _unit(self._network.vectors([window.ids for window in batch], task).astype(np.float64))
        except HubError as error:
            problem = error
        except Exception as error:
            problem = error
            if not out_of_memory(error):
                logging.getLogger(__name__).exception("a batch failed")
        problem = problem.with_traceback(None)  # its frames would keep the network alive after it was unloaded
        if not out_of_memory(problem):
            raise problem
        trim()
        if len(batch) == 1:
            raise DoesNotFit("out_of_memory")
        half = len(batch) // 2
        return np.concatenate([self._vectors(batch[:half], task), self._vectors(batch[half:], task)])


def _unit(rows: "np.ndarray") -> "np.ndarray":
    """Rows of unit length; a zero row stays zero."""
    import numpy as np

    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    return rows / np.where(norms > 0, norms, 1)

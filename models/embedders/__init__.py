"""Neural embedders, the pool's second kind of engine: from a folder to unit vectors of texts.

`load` makes a NeuralEmbedder out of a local folder, or of a repository that lies in the local hub cache: directories
that sentence-transformers saved (their modules.json is read here, their library is not needed), plain encoders, and
luotuo-bert with its head of two layers. Nothing is downloaded and no code of a repository is ever run.
"""

from models.embedders.embedder import NeuralEmbedder
from models.embedders.loading import Kind, load

__all__ = ["Kind", "NeuralEmbedder", "load"]

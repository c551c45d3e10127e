"""Question answering on a passage without a language model: the answer is a span of the text, or none."""

from models.embedded.reader.answer import EmbeddedReader

__all__ = ["EmbeddedReader"]

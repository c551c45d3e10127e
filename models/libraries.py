"""The heavy libraries, imported one at a time whichever thread asks first.

They import one another. Where one thread imports peft (which imports transformers) while another imports transformers,
Python breaks the deadlock by handing out a half-made module, and a visitor who was quicker than the warm-up read
«cannot import name 'AutoTokenizer'». Knows names only.
"""

import importlib
import threading

__all__ = ["GENERATE", "NEURAL", "import_in_turn"]

GENERATE = ("torch", "transformers", "bitsandbytes", "peft")  # in the order in which they build on one another
NEURAL = (*GENERATE, "sentence_transformers")
# transformers makes its names when they are asked for; these pull in what loading a model needs
NAMES = {"transformers": ("AutoTokenizer", "AutoModelForCausalLM", "AutoModel", "BitsAndBytesConfig", "DynamicCache")}

_lock = threading.Lock()


def import_in_turn(*names: str) -> None:
    """Imports libraries that are there; one that is not is for its user to miss."""
    for name in names:
        with _lock:
            try:
                module = importlib.import_module(name)
            except ImportError:
                continue
            for attribute in NAMES.get(name, ()):
                getattr(module, attribute)

"""What a server offers: the rows of its /v1/models, base models and LoRA adapters alike."""

from dataclasses import dataclass
from typing import Any

_LONGEST = 200  # characters of a name; a stranger's server may send anything
_MOST = 500


@dataclass(frozen=True, slots=True)
class ServedModel:
    """A name that can be asked for. vLLM lists an adapter like a model, with its base as parent."""

    id: str
    parent: str = ""  # of an adapter: the model it sits on
    context: int | None = None  # tokens of prompt and answer together, where the server tells


def served(answer: object) -> tuple[ServedModel, ...]:
    """The rows of an answer of /v1/models. Raises ValueError when it is not one."""
    rows = answer.get("data", answer.get("models")) if isinstance(answer, dict) else answer
    if not isinstance(rows, list):
        raise ValueError("no list of models")
    return tuple(_served(row) for row in rows[:_MOST] if isinstance(row, dict) and isinstance(row.get("id"), str))


def _served(row: dict[str, Any]) -> ServedModel:
    parent, context = row.get("parent"), row.get("max_model_len")
    return ServedModel(
        row["id"][:_LONGEST],
        parent[:_LONGEST] if isinstance(parent, str) else "",
        context if isinstance(context, int) else None,
    )

"""Everything that can go wrong in a way a visitor can act on.

HubError
├── BadInput          what was typed or uploaded cannot be used
├── UnknownModel      no catalogue row of that name
├── ModelUnavailable  the row exists, its weights or library do not
├── DoesNotFit        the budget cannot hold it
├── Busy              somebody else holds it; try again
├── Cancelled         the visitor pressed stop or left
└── AppFailed         an app could not be imported or built

An error carries a code; `error.<code>` and `error.<code>.hint` in assets/i18n/errors.json say what
happened and what to do about it, in both languages. Anything that is not a HubError is a bug: it stays
a traceback in the log, and the page shows a short card with an incident number.
"""

from models.strings import say

__all__ = ["AppFailed", "BadInput", "Busy", "Cancelled", "DoesNotFit", "HubError", "ModelUnavailable", "UnknownModel"]


class HubError(Exception):
    """Raised when the visitor should hear about it: `code` names the sentence, `values` fill it in."""

    def __init__(self, code: str, **values: object) -> None:
        self.code, self.values = code, values
        super().__init__(self.text("en"))

    def message(self, lang: str) -> str:
        """What happened, in one sentence."""
        return say(f"error.{self.code}", lang, **self.values)

    def hint(self, lang: str) -> str:
        """What the visitor can do now."""
        return say(f"error.{self.code}.hint", lang, **self.values)

    def text(self, lang: str) -> str:
        """Message and hint, as a toast shows them."""
        return f"{self.message(lang)} {self.hint(lang)}"


class BadInput(HubError):
    """Raised when what was typed or uploaded cannot be used."""


class UnknownModel(HubError):
    """Raised when no catalogue row has that name."""


class ModelUnavailable(HubError):
    """Raised when the weights or the library of a known model are not here."""


class DoesNotFit(HubError):
    """Raised when the memory budget cannot hold a model even after evicting all that is idle."""


class Busy(HubError):
    """Raised when a resource is held by somebody else for longer than the caller would wait."""


class Cancelled(HubError):
    """Raised inside a computation whose visitor pressed stop or left."""

    def __init__(self) -> None:
        super().__init__("cancelled")


class AppFailed(HubError):
    """Raised when an app cannot be imported or built; its tab shows a card instead."""

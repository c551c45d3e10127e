"""Free conversation: the visitor's turns, with a few words before them on how to answer.

Knows roles; what of a long conversation the model can see is the voice's to decide.
"""

from collections.abc import Iterator, Sequence

from models.engine import GenOptions, Message, Reply, Voice
from models.errors import BadInput
from models.prompted.wording import family, filled, language
from models.prompted.writing import write
from models.task import Task


def respond(
    voice: Voice, messages: Sequence[Message], options: GenOptions, task: Task, *, system: str | None = None
) -> Iterator[Reply]:
    """The growing answer to the last message.

    `system` stands before the conversation: None for the hub's own words, "" for none. Models that were trained on
    the Alpaca header get that and no other. Raises BadInput("empty_text"), ModelUnavailable, Cancelled.
    """
    if not messages or messages[-1].role != "user" or not messages[-1].text.strip():
        raise BadInput("empty_text")
    for written in write(voice, prompted(voice, messages, system), options, task):
        yield Reply(written.text, voice.origin, note=written.note)


def prompted(voice: Voice, messages: Sequence[Message], system: str | None = None) -> list[Message]:
    """The conversation as the model gets it."""
    if system is None:
        system = "" if family(voice.origin) else filled(f"assistant.{language(messages[-1].text)}", {})
    turns = [message for message in messages if message.role != "system"]
    return [Message("system", system), *turns] if system.strip() else turns

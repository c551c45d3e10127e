"""Conversations as files: the jsonl that SillyTavern keeps its chats in, markdown and plain text; and back from jsonl.

jsonl: a first line with user_name and character_name, then one message a line: name, is_user, mes, send_date, swipes,
swipe_id. What is read was written by strangers: sizes are bounded, every field is checked, nothing is executed.
"""

import json
import re
import time
from collections.abc import Iterator, Mapping
from datetime import datetime, timezone
from typing import Any

from models.errors import BadInput
from models.roleplay.conversation import MAX_TEXT, Conversation, Side, messages_of
from models.roleplay.turns import MAX_ROLE, spoken

MAX_BYTES = 32 << 20
MAX_MESSAGES = 5_000
MAX_SWIPES = 50
_SPOKEN = re.compile(rf"([^:：\n]{{0,{MAX_ROLE}}})[:：]\s*「?(.*?)」?\s*", re.DOTALL)


def write_jsonl(conversation: Conversation, user: str, character: str) -> str:
    """The branch that shows, with the alternatives of every message as swipes."""
    started = conversation.nodes[0].at if conversation.nodes else time.time()
    head = {"user_name": user, "character_name": character, "create_date": _date(started), "chat_metadata": {}}
    rows: list[dict[str, Any]] = [head]
    for at, node, family in messages_of(conversation):
        swipes = [conversation.nodes[one].text for one in family]
        row = {
            "name": node.speaker or (user if node.side == "user" else character),
            "is_user": node.side == "user",
            "is_system": False,
            "send_date": _date(node.at),
            "mes": node.text,
            "extra": {},
        }
        rows.append(row | {"swipe_id": family.index(at), "swipes": swipes} if node.side == "character" else row)
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def write_markdown(conversation: Conversation, title: str) -> str:
    """A heading, then who says what; marks that markdown would read are escaped."""
    parts = [f"# {_escaped(title)}\n"]
    for _, node, _ in messages_of(conversation):
        parts.append(
            f"**{_escaped(node.speaker)}**\n\n" + "\n".join(f"> {_escaped(one)}" for one in node.text.split("\n"))
        )
    return "\n\n".join(parts) + "\n"


def write_text(conversation: Conversation) -> str:
    """One line a message as scenes hold them, so that a conversation can become a scene of a pack."""
    return "".join(spoken(node.speaker, node.text) + "\n" for _, node, _ in messages_of(conversation))


def read_chat(data: bytes, name: str) -> tuple[Conversation, str, str]:
    """The conversation, the visitor's name and the character's, from SillyTavern's jsonl.

    Messages marked as the system's are left out; broken lines are too. Raises BadInput("chat_large") for too large a
    file, BadInput("chat_broken") for one without a single message.
    """
    if len(data) > MAX_BYTES:
        raise BadInput("chat_large", name=name, limit=f"{MAX_BYTES >> 20} MiB")
    rows = list(_rows(data.decode("utf-8-sig", errors="replace")))
    head = rows[0] if rows and "mes" not in rows[0] else {}
    messages = [row for row in rows if isinstance(row.get("mes"), str) and row.get("is_system") is not True]
    if not messages:
        raise BadInput("chat_broken", name=name)
    conversation = Conversation()
    for row in messages[:MAX_MESSAGES]:
        conversation = _said(conversation, row)
    return conversation, _name(head.get("user_name")), _name(head.get("character_name"))


def _rows(text: str) -> Iterator[Mapping[str, Any]]:
    for line in text.splitlines():
        try:
            row = json.loads(line) if line.strip() else None
        except (ValueError, RecursionError):
            continue
        if isinstance(row, dict):
            yield row


def _said(conversation: Conversation, row: Mapping[str, Any]) -> Conversation:
    """The conversation with one more message and its alternatives; the one that was shown comes last and shows."""
    side: Side = "user" if row.get("is_user") is True else "character"
    at = _seconds(row.get("send_date"))
    swipes = row.get("swipes")
    others = [one for one in swipes[:MAX_SWIPES] if isinstance(one, str)] if isinstance(swipes, list) else []
    shown = row["mes"][:MAX_TEXT]
    tip = conversation.tip
    for text in (one[:MAX_TEXT] for one in others if one[:MAX_TEXT] != shown):
        conversation = conversation.goto(tip) if tip >= 0 else Conversation(conversation.nodes, -1)
        conversation = conversation.say(side, _name(row.get("name")), text, at=at)
    conversation = conversation.goto(tip) if tip >= 0 else Conversation(conversation.nodes, -1)
    return conversation.say(side, _name(row.get("name")), shown, at=at)


def _name(value: object) -> str:
    return " ".join(value.split())[:MAX_ROLE] if isinstance(value, str) else ""


def _date(seconds: float) -> str:
    """As SillyTavern of 2024 writes dates: ISO 8601 in UTC."""
    return datetime.fromtimestamp(seconds, timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _seconds(value: object) -> float:
    """Seconds since 1970 of a date, 0 for one in another of the many forms that chats hold."""
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1e13:
        return float(value) / (1000 if value > 1e11 else 1)
    try:
        return max(0.0, datetime.fromisoformat(str(value)[:32].replace("Z", "+00:00")).timestamp())
    except (ValueError, OverflowError, OSError):
        return 0.0


def _escaped(text: str) -> str:
    return re.sub(r"([\\`*_{}\[\]<>#|~])", r"\\\1", text)

"""Chat凉宫春日: talk to a character; the reply is their own next line in the closest scene or, with a model that the
visitor chose, a new line in character, with the scenes that the model was shown. A picture goes with it.
"""

from apps.haruhi.album import pane
from apps.haruhi.tab import Stage, about, build, memory, reply, role_name

__all__ = ["Stage", "about", "build", "memory", "pane", "reply", "role_name"]

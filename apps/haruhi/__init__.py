"""Chat凉宫春日: talk to any character; the reply is their own next line in the closest scene or, with a model that the
visitor chose, a new line in character, with the scenes that the model was shown. A picture goes with it.

story (what a browser keeps) → stage, wizard (what happens) → markup, pane, gallery (what shows); acting is who answers,
library who there is, record what of an answer goes into a story; tab is the page, api the endpoint.
"""

from apps.haruhi.tab import build

__all__ = ["build"]

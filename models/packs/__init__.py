"""Characters as one value: Pack. `lines` reads scripts without losing a character, `house` the folders that ship.

Knows no model and no page. Never unpickles, never runs anything that a pack holds.
"""

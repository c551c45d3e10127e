"""Role-play with a memory: which scenes a character remembers now, what the model is shown, what becomes of its answer.

Pure functions over small frozen values, in the order in which one reply is made:
`lorebook` and `recall` find what matters, `history` keeps the conversation within its budget, `formats` puts all of it
into the prompt a model was trained on, `replies` streams the answer in character and `output` cleans it, `pictures`
picks the picture. `replay` answers without any model. `conversation`, `chatfile` and `group` keep what was said.
Knows nothing of the page, of files of packs, or of how a model computes.
"""

"""What the apps do with a model that writes: conversation, summaries, answers, prose, and columns side by side.

Every function here takes a Voice (models.engine) and yields a growing result that says who made it; none knows torch,
Gradio or where the voice comes from. The prompts stand in assets/prompts.
"""

from models.prompted.chat import respond
from models.prompted.prophet import compose
from models.prompted.reading import Question, answer, direct, prepare
from models.prompted.side_by_side import compare
from models.prompted.summary import summarize
from models.prompted.writing import NOTES, Watched, write

__all__ = [
    "NOTES",
    "Question",
    "Watched",
    "answer",
    "compare",
    "compose",
    "direct",
    "prepare",
    "respond",
    "summarize",
    "write",
]

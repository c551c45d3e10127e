"""What a picture is: the plain data every figure and every scene is drawn from.

Coordinates of a figure are relative to its neck: x grows to the viewer's right,
y downwards, the head lies above zero and the feet near +200.  A pose places
that system on the 480 by 480 canvas.
"""

from dataclasses import dataclass

from assets.drawing.svg import Point


@dataclass(frozen=True)
class Expression:
    """What a face does, independent of whose face it is.

    ``eyes`` names one state, or two separated by a slash (viewer's left first).
    ``blush`` is 0, 1 or 2; ``marks`` are comic signs such as sweat or tears.
    """

    eyes: str = "open"
    brows: str = "calm"
    mouth: str = "smile"
    blush: int = 1
    marks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Arm:
    """One arm from its shoulder over the elbow to the palm.

    ``layer`` says what it overlaps: ``back`` is behind the body, ``body`` is in
    front of it but under the head, ``front`` is over everything.  ``item`` is a
    prop drawn in the hand, in coordinates whose origin is the palm.
    """

    elbow: Point
    hand: Point
    grip: str = "mitten"
    layer: str = "front"
    item: str = ""
    angle: float | None = None
    thumb: int = 1


@dataclass(frozen=True)
class Pose:
    """Where a figure stands and how it holds itself.

    ``turn`` (-1 to 1) turns the face to a side, ``tilt`` rolls the head,
    ``lean`` rotates the whole figure about its neck.  The first arm belongs to
    the shoulder on the viewer's left.
    """

    arms: tuple[Arm, ...] = ()
    at: Point = (240, 250)
    scale: float = 1.1
    turn: float = 0
    tilt: float = 0
    lean: float = 0
    look: Point = (0, 0)
    flip: bool = False
    legs: str = "stand"


@dataclass(frozen=True)
class Picture:
    """One finished illustration with the words that tell when it fits.

    ``scene`` lies behind the figure, ``near`` in front of it; both are SVG in
    canvas coordinates.  ``echoes`` are transforms under which the figure is drawn
    again behind itself, by reference.
    """

    slug: str
    zh: str
    en: str
    emotion: str
    cues: tuple[str, ...]
    expression: Expression
    pose: Pose
    scene: str
    near: str = ""
    echoes: tuple[str, ...] = ()
    portrait: bool = False
    neutral: bool = False

    def entry(self) -> dict[str, object]:
        """The picture's record in ``pictures.json``."""
        record: dict[str, object] = {
            "file": f"{self.slug}.svg",
            "caption": {"zh": self.zh, "en": self.en},
            "emotion": self.emotion,
            "cues": list(self.cues),
        }
        if self.portrait:
            record["portrait"] = True
        if self.neutral:
            record["neutral"] = True
        return record

"""How a figure is put together: which part of a body overlaps which.

This module knows the order of the layers and the movement of head and arms.
What the parts look like is told by a ``Body``, one per character.
"""

from collections.abc import Callable
from dataclasses import dataclass

from assets.drawing.hands import ArmStyle, arm
from assets.drawing.model import Expression, Picture, Pose
from assets.drawing.svg import INK, Point, document, element, group, move, spin

LINE = 3
PIVOT: Point = (0, -6)


@dataclass(frozen=True)
class Body:
    """The parts of one character, each a function from a pose to SVG."""

    behind: Callable[[Pose], str]
    torso: Callable[[Pose], str]
    hair: Callable[[Pose], str]
    head: Callable[[Pose, Expression], str]
    arms: ArmStyle


def draw_figure(body: Body, pose: Pose, mood: Expression) -> str:
    """A complete figure, placed on the canvas."""
    tilted = [spin(part, pose.tilt, *PIVOT) for part in (body.hair(pose), body.head(pose, mood))]
    parts = group(
        body.behind(pose),
        tilted[0],
        _arms(body, pose, "back"),
        body.torso(pose),
        _arms(body, pose, "body"),
        tilted[1],
        _arms(body, pose, "front"),
        stroke=INK,
        stroke_width=LINE,
    )
    return move(parts, *pose.at, turn=pose.lean, scale=pose.scale, flip=pose.flip)


def draw_picture(body: Body, picture: Picture) -> str:
    """The finished SVG document of one picture."""
    near = group(picture.near, stroke=INK, stroke_width=LINE) if picture.near else ""
    figure = draw_figure(body, picture.pose, picture.expression)
    doubles = "".join(element("use", href="#self", transform=step) for step in picture.echoes)
    if doubles:
        figure = group(figure, id="self")
    return document(picture.en, picture.scene, doubles, figure, near)


def _arms(body: Body, pose: Pose, layer: str) -> str:
    pairs = zip((-1, 1), pose.arms, strict=False)
    return "".join(arm(body.arms, side, spec) for side, spec in pairs if spec.layer == layer)

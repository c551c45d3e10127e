"""Writes every picture, list and mark: ``python -m assets.drawing``."""

import json
from pathlib import Path

from assets.drawing import camel, haruhi, wukong
from assets.drawing.figure import Body, draw_picture
from assets.drawing.marks import all_marks
from assets.drawing.model import Picture

ASSETS = Path(__file__).resolve().parent.parent

CHARACTERS: dict[str, tuple[Body, tuple[Picture, ...]]] = {
    "haruhi": (haruhi.BODY, haruhi.PICTURES),
    "camel": (camel.BODY, camel.PICTURES),
    "wukong": (wukong.BODY, wukong.PICTURES),
}


def write_character(name: str, body: Body, pictures: tuple[Picture, ...]) -> int:
    """Write one character's pictures and the list that describes them."""
    folder = ASSETS / "characters" / name
    (folder / "pictures").mkdir(parents=True, exist_ok=True)
    for picture in pictures:
        target = folder / "pictures" / f"{picture.slug}.svg"
        target.write_text(draw_picture(body, picture), encoding="utf-8")
    entries = [picture.entry() for picture in pictures]
    text = json.dumps(entries, ensure_ascii=False, indent=2)
    (folder / "pictures.json").write_text(text + "\n", encoding="utf-8")
    return len(pictures)


def main() -> None:
    """Write everything and say how much it was."""
    count = sum(write_character(name, *parts) for name, parts in CHARACTERS.items())
    marks = all_marks()
    for name, text in marks.items():
        target = ASSETS / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
    print(f"{count} pictures, {len(marks)} marks")


if __name__ == "__main__":
    main()

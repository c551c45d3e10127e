"""What travels to the map in the browser: positions, colours, names, selections, as few bytes as they need.

100,000 points are 0.53 MB as base64 of uint16, a new colouring 0.13 MB, a selection 17 kB. Texts do not travel: the
page asks for the one under the pointer. Knows the atlas and assets/embedding/scatter.js; knows nothing of Gradio.
"""

from base64 import b64decode, b64encode
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from apps.embedding.atlas import Atlas
from apps.embedding.export import packed
from apps.embedding.kinds import common, numeric
from models.strings import say

if TYPE_CHECKING:
    import numpy as np

Payload = dict[str, Any]

# Okabe and Ito's colours without black and yellow, which vanish on one of the two grounds; with the scatter's 5 marks
# that makes 30 groups that can be told apart
COLOURS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#d55e00", "#56b4e9")
NONE = "#a8a29e"  # noise, no value
_RAMP = ("#1e40af", "#0e7490", "#15803d", "#ca8a04", "#dc2626")  # from low to high, dark enough for a white ground
_MARKED = 20_000  # points up to which groups have marks; beyond that they are too small to be told apart
_GROUPS = 24  # values of a column with a colour of their own; the rarer ones share the last
_MOST = 250  # clusters with a code of their own
_TOOLS = "pan rotate lasso box near far fit bigger smaller picture vector tools filter".split()


def encoded(values: "np.ndarray") -> str:
    """The bytes of an array as base64."""
    return b64encode(values.tobytes()).decode()


def points(atlas: Atlas, lang: str) -> Payload:
    """Positions and sizes of all points, and the words of the tools."""
    import numpy as np

    n, dims = atlas.positions.shape
    counts = np.array(atlas.corpus.counts, np.float32)
    sizes = (np.minimum(1.0, np.sqrt(counts) - 1) * 255).astype(np.uint8)
    links = np.array(atlas.links, np.uint32).ravel()
    return {
        "n": n, "dims": dims, "xyz": encoded(packed(atlas.positions)),
        "sizes": encoded(sizes) if sizes.any() else None,
        "px": next(size for most, size in ((100, 12), (1_000, 9), (6_000, 7), (30_000, 4), (10**9, 3)) if n <= most),
        "links": encoded(links) if len(links) else None,
        "words": {name: say(f"embedding.tool_{name}", lang) for name in _TOOLS},
        "about": say("embedding.map_about", lang, texts=n, clusters=len(atlas.names)),
    }  # fmt: skip


def by_cluster(atlas: Atlas, lang: str) -> Payload:
    """A colour and a mark per cluster, its phrases at its middle; noise is grey."""
    import numpy as np

    names = [atlas.name(number) for number in range(len(atlas.names))]
    labels = np.minimum(atlas.labels, _MOST - 1)
    noise = bool((atlas.labels < 0).any())
    codes = np.where(labels < 0, min(len(names), _MOST), labels)
    short = [" · ".join(phrases[:2]) or str(number + 1) for number, phrases in enumerate(atlas.names)]
    return _groups(atlas, [*names[:_MOST], *[say("embedding.noise", lang)] * noise], codes, short[:_MOST], grey=noise)


def by_group(atlas: Atlas, cells: Sequence[str], lang: str) -> Payload:
    """A colour and a mark per value, commonest first; the rarer ones share one."""
    names, codes = common(cells, _GROUPS)
    cut = len(set(cells)) > len(names)
    said = [name or say("embedding.other_labels" if cut and at else "embedding.no_label", lang) for at, name in
            enumerate(names)]  # fmt: skip
    return _groups(atlas, said, codes, said, grey=not names[-1])


def by_value(values: "np.ndarray", title: str) -> Payload:
    """(n,) numbers on a ramp from the least to the greatest, NaN in grey."""
    import numpy as np

    known = np.isfinite(values)
    low, high = (float(values[known].min()), float(values[known].max())) if known.any() else (0.0, 0.0)
    share = np.zeros(len(values)) if high == low else (np.where(known, values, low) - low) / (high - low)
    codes = np.where(known, 1 + np.rint(share * 254), 0).astype(np.uint8)
    return {
        "codes": encoded(codes), "palette": [NONE, *ramp(255)], "names": [], "counts": [], "spots": [], "marked": False,
        "scale": [f"{low:.3g}", f"{high:.3g}"], "title": title,
    }  # fmt: skip


def ramp(count: int) -> list[str]:
    """`count` colours from low to high."""
    import numpy as np

    stops = np.array([[int(stop[at : at + 2], 16) for at in (1, 3, 5)] for stop in _RAMP], float)
    where = np.linspace(0, len(_RAMP) - 1, count)
    mixed = np.stack([np.interp(where, range(len(_RAMP)), stops[:, part]) for part in range(3)], 1)
    return ["#{:02x}{:02x}{:02x}".format(*map(round, row)) for row in mixed]


def by_column(atlas: Atlas, cells: Sequence[str], title: str, lang: str) -> Payload:
    """A column of the visitor's table: a ramp when it holds numbers, else groups."""
    values = numeric(cells)
    return by_group(atlas, cells, lang) if values is None else by_value(values, title)


def _groups(atlas: Atlas, names: Sequence[str], codes: "np.ndarray", short: Sequence[str], *, grey: bool) -> Payload:
    import numpy as np

    counts = np.bincount(codes, weights=atlas.corpus.counts, minlength=len(names)).astype(int)
    palette = [COLOURS[at % len(COLOURS)] for at in range(len(names))]
    if grey:
        palette[-1] = NONE
    return {
        "codes": encoded(codes.astype(np.uint8)), "palette": palette, "names": [clipped(name, 40) for name in names],
        "counts": counts.tolist(), "spots": _spots(atlas, short, codes, counts),
        "marked": len(codes) <= _MARKED, "scale": None, "title": "",
    }  # fmt: skip


def _spots(atlas: Atlas, short: Sequence[str], codes: "np.ndarray", counts: "np.ndarray") -> list[Payload]:
    """Where the names of the groups would stand, largest group first, for the page to place without overlap."""
    import numpy as np

    found = []
    for code in sorted(range(len(short)), key=lambda code: -counts[code]):
        rows = codes == code
        if rows.any() and short[code]:
            place = np.median(atlas.positions[rows], axis=0).round(4).tolist()
            found.append({"text": clipped(short[code], 18), "code": code, **dict(zip("xyz", place, strict=False))})
    return found


def bits(rows: Sequence[int], n: int) -> str:
    """A selection as one bit per row, base64; the least bit of the first byte is row 0."""
    import numpy as np

    flags = np.zeros(n, bool)
    flags[list(rows)] = True
    return encoded(np.packbits(flags, bitorder="little"))


def rows_of_bits(text: object, n: int) -> tuple[int, ...]:
    """The rows of a selection that the page sends; () for anything else than `bits` of this map would give."""
    import numpy as np

    try:
        raw = np.frombuffer(b64decode(str(text or ""), validate=True), np.uint8)
    except ValueError:
        return ()
    if len(raw) != (n + 7) // 8:
        return ()
    return tuple(np.flatnonzero(np.unpackbits(raw, bitorder="little")[:n]).tolist())


def tip(atlas: Atlas, row: object, lang: str) -> Payload | None:
    """What the point under the pointer says; None for a row that this map does not have."""
    if not isinstance(row, int) or not 0 <= row < len(atlas.corpus.texts):
        return None
    corpus = atlas.corpus
    facts = [say("embedding.hover_line", lang, line=corpus.lines[row]), atlas.name(int(atlas.labels[row])),
             f"×{corpus.counts[row]}" * (corpus.counts[row] > 1), corpus.labels[row]]  # fmt: skip
    title = corpus.title(row)
    text = clipped(f"{title}　{corpus.texts[row]}" if title else corpus.texts[row], 240)
    return {"row": row, "text": text, "note": clipped(" · ".join(filter(None, facts)), 90)}


def clipped(text: str, most: int) -> str:
    """At most `most` characters."""
    return text if len(text) <= most else text[: most - 1] + "…"

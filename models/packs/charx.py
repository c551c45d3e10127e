"""Cards with what belongs to them: JSON alone, PNG with chunks, charx (a zip with card.json and assets); read, written.

Sources: SPEC_V3.md of kwaroran/character-card-spec-v3 (assets, `embeded://`, `__asset:`, `ccdefault:`). Of assets only
pictures of the character become pictures of the pack; others are kept verbatim, those elsewhere are never fetched.
"""

import base64
import binascii
import io
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Any

from models.documents.gate import shown
from models.errors import BadInput
from models.packs.card import apply_own, is_card, read_card, write_card
from models.packs.fields import parse_json, to_json
from models.packs.lint import Lint
from models.packs.pack import Bilingual, Pack, Picture
from models.packs.png import ASSET, portrait_png, read_chunks, with_chunks, without_chunks
from models.packs.reading import bilingual, picture, unique
from models.packs.tree import Tree, safe_name
from models.packs.writing import with_bytes
from models.task import Task

__all__ = ["is_charx", "read_charx", "read_json_card", "read_png_card", "write_charx", "write_png"]

CARD = "card.json"
EMBEDDED = ("embeded://", "embedded://")  # the spec spells it with one d
CHUNK = "__asset:"  # address of an asset in a chunk of the PNG
PORTRAIT = "main"
SHOWN_TYPES = ("icon", "emotion", "other")  # of assets that may be pictures of the character
MAX_PNG = 24 * 2**20  # bytes of pictures that a PNG card carries beside the one that it is
Fetch = Callable[[str], bytes | None]


@dataclass
class _Assets:
    """What the assets of a card turn out to be."""

    pictures: dict[str, Picture] = field(default_factory=dict)
    attachments: dict[str, bytes | Path] = field(default_factory=dict)
    elsewhere: list[Any] = field(default_factory=list)
    files: tuple[str, ...] = ()  # names of the pictures where the hub itself wrote the card


def is_charx(tree: Tree) -> bool:
    """Whether a zip is a charx."""
    return CARD in tree.sizes


def read_charx(tree: Tree, lint: Lint, task: Task) -> Pack:
    """A charx. Raises BadInput("pack_no_card")."""
    card = _card(tree.read(CARD, task), tree.title)
    lint.n_files += len(tree.sizes)

    def fetch(uri: str) -> bytes | None:
        name = safe_name(uri)
        return tree.read(name, task) if name in tree.sizes else None

    return _read(card, CARD, None, fetch, lint, tree.title)


def read_json_card(card: Mapping[str, Any], file: str, lint: Lint, task: Task) -> Pack:
    """A card as JSON alone."""
    task.check()
    return _read(card, file, None, lambda _: None, lint, PurePosixPath(file).stem)


def read_png_card(data: bytes, name: str, lint: Lint, task: Task) -> Pack:
    """A card in a PNG: V3 where both versions are there. Raises BadInput("pack_no_card"), ("too_long")."""
    task.check()
    file, stem = PurePosixPath(name).name, PurePosixPath(name).stem
    chunks = read_chunks(data, shown(Path(name)))
    lint.n_files += 1
    lint.n_bytes += len(data)
    cards = [card for key in ("ccv3", "chara") if key in chunks and (card := _maybe(chunks[key]))]
    if not cards:
        raise BadInput("pack_no_card", name=shown(Path(name)))
    portrait = picture(without_chunks(data), f"{stem}.png", lint)
    return _read(cards[0], file, portrait, lambda uri: chunks.get(f"{ASSET}{uri}"), lint, stem)


def _maybe(data: bytes) -> Mapping[str, Any] | None:
    try:
        card = parse_json(data.decode("utf-8-sig"))
    except ValueError:
        return None
    return card if isinstance(card, dict) and is_card(card) else None


def _card(data: bytes, name: str) -> Mapping[str, Any]:
    if card := _maybe(data):
        return card
    raise BadInput("pack_no_card", name=name)


def _read(card: Mapping[str, Any], file: str, portrait: Picture | None, fetch: Fetch, lint: Lint, title: str) -> Pack:
    """The pack of a card, of the picture that it came in, and of what its assets point to."""
    pack, entries = read_card(card, file, (), lint, title=title)
    assets = _Assets(files=_own_files(card))
    for entry in entries:
        _take(entry, file, fetch, portrait, assets, lint)
    drawn = bool(_own(card)) and not assets.files  # the hub wrote it for a pack without pictures
    if portrait is not None and not drawn and not any(one.portrait for one in assets.pictures.values()):
        name = unique(portrait.file, assets.pictures)
        assets.pictures[name] = replace(portrait, file=name, portrait=True, caption=pack.name)
    if assets.elsewhere:
        pack = replace(pack, extra={**pack.extra, "assets": assets.elsewhere})
    pack = replace(pack, pictures=tuple(assets.pictures.values()), attachments=assets.attachments)
    return apply_own(pack, card, file, lint)


def _own(card: Mapping[str, Any]) -> Mapping[str, Any]:
    """What the hub itself wrote into a card; empty for a card from elsewhere."""
    data = card["data"] if isinstance(card.get("data"), dict) else {}
    extensions = data.get("extensions")
    own = extensions.get("luotuo") if isinstance(extensions, dict) else None
    return own if isinstance(own, dict) else {}


def _own_files(card: Mapping[str, Any]) -> tuple[str, ...]:
    """What the pictures of a card that the hub wrote are called, in the order of their assets."""
    listed = _own(card).get("pictures")
    return tuple(
        str(one.get("file", "")) if isinstance(one, dict) else ""
        for one in (listed if isinstance(listed, list) else ())
    )


def _take(entry: object, file: str, fetch: Fetch, portrait: Picture | None, assets: _Assets, lint: Lint) -> None:
    """One entry of `assets`."""
    known = isinstance(entry, dict) and all(isinstance(entry.get(key), str) for key in ("type", "uri", "name"))
    if not known:
        lint.add("bad_field", file, excerpt=str(entry)[:60])
        return
    assert isinstance(entry, dict)
    kind, uri, name = entry["type"], entry["uri"], entry["name"][:120]
    if uri.startswith("ccdefault:"):
        if portrait is not None and kind == "icon":
            made = unique(portrait.file, assets.pictures)
            assets.pictures[made] = replace(portrait, file=made, portrait=True, caption=bilingual(name))
        return
    data = _bytes(uri, fetch)
    if data is None:
        assets.elsewhere.append(entry)
        lint.add(
            "remote_asset" if "://" in uri and not uri.startswith(EMBEDDED) else "picture_missing", file, name=name
        )
        return
    suffix = str(entry.get("ext", "")).lower()[:8] or "bin"
    made = picture(data, _file_name(uri, name, suffix, assets.files), lint) if kind in SHOWN_TYPES else None
    if made is None:
        assets.attachments[f"{kind}/{name}.{suffix}"] = data
        assets.elsewhere.append(entry)
        return
    caption = Bilingual() if name.lower() == PORTRAIT else bilingual(name)
    label = name if kind == "emotion" else ""
    unique_name = unique(made.file, assets.pictures)
    assets.pictures[unique_name] = replace(
        made, file=unique_name, caption=caption or made.caption, emotion=label,
        portrait=kind == "icon" and not any(one.portrait for one in assets.pictures.values()),
    )  # fmt: skip


def _file_name(uri: str, name: str, suffix: str, files: Sequence[str]) -> str:
    """What the picture is called: the base name of an embedded file, else the asset's name."""
    number = uri.removeprefix(CHUNK)
    known = files[int(number)] if uri.startswith(CHUNK) and number.isdecimal() and int(number) < len(files) else ""
    base = uri.rpartition("/")[2] if uri.startswith(EMBEDDED) else known or f"{name}.{suffix}"
    safe = safe_name(base.replace("/", "_").replace("\\", "_"))
    return safe or f"picture.{suffix}"


def _bytes(uri: str, fetch: Fetch) -> bytes | None:
    """The bytes of an asset that is in the file; None for one elsewhere."""
    for prefix in (*EMBEDDED, CHUNK):
        if uri.startswith(prefix):
            return fetch(uri.removeprefix(prefix))
    if uri.startswith("data:") and ";base64," in uri[:100]:
        try:
            return base64.b64decode(uri.partition(";base64,")[2], validate=True)
        except (binascii.Error, ValueError):
            return None
    return None


def write_charx(pack: Pack) -> bytes:
    """The pack as charx, every picture as an asset: the portrait as icon, the others as emotions."""
    pack, files = with_bytes(pack), dict[str, bytes]()
    entries = []
    for one, entry, data in _entries(pack):
        path = f"assets/{entry['type']}/images/{one.file}"
        files[path] = data
        entries.append({**entry, "uri": f"embeded://{path}"})
    for entry in _kept(pack):
        uri = str(entry.get("uri", ""))
        name = f"{entry.get('type')}/{entry.get('name')}.{entry.get('ext') or 'bin'}"
        if uri.startswith(EMBEDDED) and name in pack.attachments:
            content = pack.attachments[name]
            files[uri.partition("://")[2]] = content if isinstance(content, bytes) else content.read_bytes()
    card = write_card(pack, [*entries, *_kept(pack)])
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(CARD, to_json(card, indent=1))
        for path, data in files.items():
            if safe_name(path):
                archive.writestr(path, data)
    return out.getvalue()


def write_png(pack: Pack) -> bytes:
    """The portrait with the card in it, as V3 and, for programs that know no other, as V2. Pictures beyond MAX_PNG
    bytes stay out; a charx has room for them."""
    pack, entries = with_bytes(pack), list[dict[str, str]]()
    texts: dict[str, bytes] = {}
    room = MAX_PNG
    for number, (_, entry, data) in enumerate(_entries(pack)):
        if len(data) <= room:
            room -= len(data)
            texts[f"{ASSET}{number}"] = data
            entries.append({**entry, "uri": f"{CHUNK}{number}"})
    card = write_card(pack, [*entries, *_kept(pack)])
    older = write_card(pack, [], version=2)
    texts |= {"chara": to_json(older).encode(), "ccv3": to_json(card).encode()}
    return with_chunks(portrait_png(pack), texts)


def _entries(pack: Pack) -> Iterator[tuple[Picture, dict[str, str], bytes]]:
    """Every picture with its entry, but for the address, and its bytes."""
    at = pack.marked("portrait")
    for number, one in enumerate(pack.pictures):
        stem, _, suffix = one.file.rpartition(".")
        icon = number == at
        name = PORTRAIT if icon else one.emotion or stem
        yield one, {"type": "icon" if icon else "emotion", "name": name, "ext": suffix}, one.read()


def _kept(pack: Pack) -> list[dict[str, Any]]:
    """Entries of assets that the pack came with and the hub does not show."""
    kept = pack.extra.get("assets")
    return [dict(one) for one in kept if isinstance(one, dict)] if isinstance(kept, list) else []

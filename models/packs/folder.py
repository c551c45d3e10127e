"""The original packs: a folder with system_prompt.txt, texts/*.txt, images/*; and what the hub adds to it, luotuo.json.

    system_prompt.txt      the persona
    texts/<title>.txt      one scene a file; without texts/, text files beside it are split on blank lines
    images/<caption>.jpg   text_image_dict.txt: caption and stem on lines in turn, most often stale
    jsonl/*_embed.jsonl    vectors of 1.0 (models/packs/vectors.py)
    luotuo.json            everything else that a Pack knows (models/packs/meta.py); absent in the original packs

Other files (dialogues, scripts, program code) are named in the report and never read.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from models.packs.lines import Odd, scene
from models.packs.lint import Lint
from models.packs.meta import META, apply_meta
from models.packs.pack import Bilingual, Pack, Picture, Scene
from models.packs.reading import (
    PICTURE_KINDS,
    bilingual,
    language_of,
    natural,
    partners,
    picture,
    slug,
    speaker_of,
    text_of,
    unique,
)
from models.packs.tree import Tree
from models.packs.vectors import read_embeds
from models.task import Task

__all__ = ["MARKERS", "find_bases", "persona_names", "read_folder", "scenes_of", "stem_of"]

MARKERS = ("system_prompt.txt", META)
EMBEDS = ("title_text_embed.jsonl", "image_embed.jsonl")
SHORT_PERSONA = 10  # characters: Megumi's is the single letter N
_PLAYED = re.compile(r"(?:扮演|cosplay\s*)([^\s，。,.「」『』“”\"'‘’]{2,16})")
_CODENAME = re.compile(r"(?:codename[^'‘’\"“]{0,60}|别人称呼你)((?:\s*[、,，]?\s*['‘’\"“][^'‘’\"“”]{1,24}['‘’\"”])+)")
_QUOTED = re.compile(r"['‘’\"“]([^'‘’\"“”、,，]{1,24})['‘’\"”]")
_ACT_LIKE = re.compile(r"act like ([A-Z][\w'.-]*(?: [A-Z][\w'.-]*){0,3})(?: from (?:the )?([A-Z][^.\n,]{1,60}))?")
_HEADER = re.compile(r"^#{1,3}\s*Chat\s*[-·]?\s*([^\s#]{1,20})", re.MULTILINE)
_FROM = re.compile(r"《([^《》\n]{1,40})》")


def find_bases(tree: Tree) -> list[str]:
    """The folders of a tree that are packs, shallowest first; [""] when there is no telling."""
    found = set()
    for name in tree.sizes:
        parts = name.split("/")
        if parts[-1] in MARKERS and (len(parts) < 2 or parts[-2] != "texts"):
            found.add("/".join(parts[:-1]))
        elif len(parts) > 1 and parts[-2] == "texts" and parts[-1].lower().endswith(".txt"):
            found.add("/".join(parts[:-2]))
    return sorted(found, key=lambda base: (base.count("/") + bool(base), base)) or [""]


def read_folder(tree: Tree, lint: Lint, task: Task) -> Pack:
    """A pack in a folder, or the first of several in it. Raises BadInput for damaged members, Cancelled."""
    bases = find_bases(tree)
    if len(bases) > 1:
        lint.add("several_packs", "/".join(filter(None, (tree.title, bases[1]))), first=bases[0] or tree.title)
    tree = tree.below(bases[0])
    scenes, pictures = _scenes(tree, lint, task), _pictures(tree, lint, task)
    pack = _pack(tree, scenes, pictures, lint, task)
    if META in tree.sizes:
        pack = apply_meta(pack, tree.read(META, task), lint)
    for name in EMBEDS:
        if at := next((path for path in (f"jsonl/{name}", name) if path in tree.sizes), None):
            pack = read_embeds(tree.read(at, task), at, pack, lint, task)
    _note_unread(tree, lint)
    return pack


def _scenes(tree: Tree, lint: Lint, task: Task) -> list[Scene]:
    names = sorted((name for name in tree.sizes if _is_text(name, "texts/")), key=natural)
    if names:
        return scenes_of(_texts(tree, names, lint, task), lint)
    apart = [name for name in tree.sizes if _is_text(name, "") and "/" not in name and not _is_known(name)]
    parts = []
    for name, text in _texts(tree, sorted(apart, key=natural), lint, task):
        stem = stem_of(name)
        pieces = [piece for piece in re.split(r"(?:\r?\n[ \t\u3000]*){2,}", text) if piece.strip()]
        parts += [(f"{stem}_{at}", piece, name) for at, piece in enumerate(pieces)]
    return scenes_of([(title, text, name) for title, text, name in parts], lint)


def _texts(tree: Tree, names: Sequence[str], lint: Lint, task: Task) -> list[tuple[str, str]]:
    found = []
    for at, name in enumerate(names):
        task.step(0.7 * at / len(names))
        if (text := text_of(tree.read(name, task), name, lint, task)) is not None:
            found.append((name, text))
    return found


def stem_of(name: str) -> str:
    """The base name without its suffix. PurePosixPath takes longer for it than a scene takes to be read."""
    base = name.rsplit("/", 1)[-1]
    return base.rpartition(".")[0] or base


def scenes_of(texts: Sequence[tuple[str, str] | tuple[str, str, str]], lint: Lint) -> list[Scene]:
    """Scenes of (file, text) or (title, text, file); duplicates and oddities are noted; an empty text makes none."""
    scenes, seen = [], {}
    for title, text, *named in texts:
        file = named[0] if named else title
        odd: list[Odd] = []
        made = scene(title if named else stem_of(title), text, file, odd)
        lint.scene(made, odd)
        if not made.lines:
            continue
        if (first := seen.setdefault(made.text, file)) != file:
            lint.add("duplicate_scene", file, excerpt=first)
        scenes.append(made)
    return scenes


def _is_text(name: str, below: str) -> bool:
    return name.startswith(below) and name.lower().endswith(".txt")


def _is_known(name: str) -> bool:
    return name in (*MARKERS, "text_image_dict.txt", "reference.txt", "audio_reference.txt", "requirements.txt")


def _pictures(tree: Tree, lint: Lint, task: Task) -> list[Picture]:
    suffixes = tuple(f".{kind}" for kind in (*PICTURE_KINDS, "jpeg"))
    below = [name for name in tree.sizes if name.startswith("images/") and name.lower().endswith(suffixes)]
    pictures: dict[str, Picture] = {}
    for name in sorted(below, key=natural):
        if made := picture(tree.read(name, task), name, lint):
            file = unique(made.file, pictures)
            pictures[file] = replace(made, file=file, content=tree.path(name) or made.content)
    if "text_image_dict.txt" in tree.sizes:
        text = text_of(tree.read("text_image_dict.txt", task), "text_image_dict.txt", lint, task)
        _apply_dictionary(text or "", pictures, lint)
    return list(pictures.values())


def _apply_dictionary(text: str, pictures: dict[str, Picture], lint: Lint) -> None:
    """Captions from lines in turn: caption, stem of the file. Stems without a file are noted and change nothing."""
    lines = text.splitlines()
    files = {stem_of(file).strip(): file for file in pictures}
    for at in range(0, len(lines) - 1, 2):
        caption, stem = lines[at].strip(), lines[at + 1].strip()
        if stem not in files:
            if stem:
                lint.add("stale_dictionary", "text_image_dict.txt", at + 2, stem)
        elif caption:
            pictures[files[stem]] = replace(pictures[files[stem]], caption=bilingual(caption))


def _pack(tree: Tree, scenes: list[Scene], pictures: list[Picture], lint: Lint, task: Task) -> Pack:
    persona = _read_text(tree, "system_prompt.txt", lint, task).strip("\ufeff\r\n ")
    if len(persona) < SHORT_PERSONA:
        lint.add("short_persona" if persona else "no_persona", "system_prompt.txt", excerpt=persona)
    header = _read_text(tree, "gradio_header.md", lint, task)
    names, series = persona_names(persona)
    names += [found[1] for found in _HEADER.finditer(header)][:1]
    series = series or next((found[1] for found in _FROM.finditer(header + persona)), "")
    speaker = speaker_of(scenes, [*names, tree.title])
    if META not in tree.sizes:
        lint.add("speaker_guessed", "texts/", name=speaker)
    display = next((name for name in names if speaker and speaker in name), names[0] if names else speaker)
    return Pack(
        id=slug(tree.title),
        name=bilingual(display or tree.title),
        speaker=speaker or tree.title,
        language=language_of([*(one.raw for one in scenes), persona]),
        aliases=tuple(dict.fromkeys(name for name in names if name not in (speaker, display))),
        persona=bilingual(persona),
        scenes=tuple(scenes),
        pictures=tuple(pictures),
        roles=partners(scenes, [speaker, display, *names]),
        series=bilingual(series) if series else Bilingual(),
    )


def _read_text(tree: Tree, name: str, lint: Lint, task: Task) -> str:
    return (text_of(tree.read(name, task), name, lint, task) or "") if name in tree.sizes else ""


def persona_names(persona: str) -> tuple[list[str], str]:
    """(names, series) that the system prompts of the original packs tell; none of another one.

    >>> persona_names("你正在扮演骆驼老师，你在讲课。别人称呼你'骆老师','驼驼'")[0]
    ['骆驼老师', '骆老师', '驼驼']
    """
    names = [found[1] for found in _PLAYED.finditer(persona[:2000])]
    for found in _CODENAME.finditer(persona[:2000]):
        names += [one[1].strip() for one in _QUOTED.finditer(found[1])]
    series = ""
    if found := _ACT_LIKE.search(persona[:2000]):
        names.append(found[1])
        series = (found[2] or "").strip()
    return list(dict.fromkeys(filter(None, names))), series


def _note_unread(tree: Tree, lint: Lint) -> None:
    read: Mapping[str, object] = dict.fromkeys((*MARKERS, "gradio_header.md", "text_image_dict.txt", *EMBEDS))
    for name in tree.sizes:
        first = name.split("/")[0]
        if name not in read and first not in ("texts", "images", "jsonl", "vectors") and not _in_scenes(tree, name):
            lint.add("ignored_file", name)


def _in_scenes(tree: Tree, name: str) -> bool:
    """Whether a text beside the folders was split into scenes: only where there is no texts/."""
    apart = _is_text(name, "") and "/" not in name and not _is_known(name)
    return apart and not any(other.startswith("texts/") for other in tree.sizes)

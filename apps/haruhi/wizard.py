"""Characters of the visitor's own: read what they bring, tell what was odd in it, keep it, give it back as a file.

Knows the formats of models.packs and where packs are kept; what shows is apps/haruhi/gallery.py's and stage.py's.
"""

import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import models
from apps.haruhi.acting import Brains
from apps.haruhi.gallery import gallery, lint_report
from apps.haruhi.markup import waiting
from apps.haruhi.stage import Stage, View
from apps.haruhi.story import Story, read
from apps.work import changes, launch
from models.errors import BadInput, Cancelled
from models.packs import LintReport, read_bytes, read_pack, write_charx, write_hub, write_png, write_zip
from models.packs.lint import Lint
from models.packs.pack import Bilingual, Pack
from models.packs.reader import USUAL_ROLE
from models.packs.reading import picture, picture_kind, slug
from models.roleplay.chatfile import read_chat, write_jsonl, write_markdown, write_text
from models.roleplay.conversation import Conversation
from models.task import Task

PACKS = {"zip": write_zip, "png": write_png, "charx": write_charx, "hub": write_hub}
SUFFIX = {"zip": "zip", "png": "png", "charx": "charx", "hub": "jsonl"}
CHATS = ("jsonl", "md", "txt")
MAX_CHAT = 32 << 20


class Wizard:
    """Opening, bringing and giving back, for one hub."""

    def __init__(self, stage: Stage) -> None:
        self.stage, self.library = stage, stage.library

    def open(self, do: Mapping[str, Any], story: Story, lang: str) -> View:
        """The story with a character that the browser kept, else a new one; a fresh page brings everything."""
        owner = str(do.get("owner") or story.owner)
        kept, key = read(str(do.get("story") or "")), str(do.get("key") or "")
        kept = replace(kept, owner=owner, inline=kept.inline or story.inline)
        if key and kept.key != key:
            kept = self.stage.start(self.library.pack(owner, key), lang, replace(story, owner=owner))
        kept = self.library.known(kept)
        if not any(node.side == "user" for node in kept.tree.nodes):
            kept = replace(self.stage.start(self.stage.cast(kept)[0], lang, kept, kept.role), rule=kept.rule)
        return self._shown(kept, lang)

    def _shown(self, story: Story, lang: str, report: str = "") -> View:
        keys = [seat.key for seat in story.seats]
        return replace(self.stage.whole(story, lang), gallery=gallery(self.library, story.owner, keys, lang, report))

    def shown_after(self, view: View, lang: str) -> View:
        """A view in which the cast has changed, with the gallery that marks who is in it."""
        assert view.story is not None
        keys = [seat.key for seat in view.story.seats]
        return replace(view, gallery=gallery(self.library, view.story.owner, keys, lang))

    def bring(self, paths: list[Path], story: Story, lang: str, brains: Brains) -> Iterator[View]:
        """A pack that was uploaded, in whatever format; or pictures for the visitor's own character."""
        if not self.library.uploads:
            raise BadInput("uploads_off")
        yield from self._kept(lambda task: self._read(paths, story, task), story, lang, brains)

    def create(self, fields: Mapping[str, Any], story: Story, lang: str, brains: Brains) -> Iterator[View]:
        """A character out of the form."""
        if not self.library.uploads:
            raise BadInput("uploads_off")
        yield from self._kept(lambda task: _written(fields, task), story, lang, brains)

    def _kept(self, made: Any, story: Story, lang: str, brains: Brains) -> Iterator[View]:  # noqa: ANN401
        """Reads, keeps and embeds in a thread; then one can talk at once."""
        task = Task()
        yield View(live=waiting("haruhi.reading", 0), busy=True)
        outcome, thread = launch(lambda *_: self._keep(made, story, brains, task), task, lang, ())
        try:
            for _ in changes(task, thread, outcome):
                yield View(live=waiting(task.note, task.fraction))
        finally:
            task.stop()
        if outcome.error is not None:
            error = None if isinstance(outcome.error, Cancelled) else outcome.error
            yield View(live="", busy=False, error=error)
            return
        pack, report = outcome.newest()[0]
        fresh = self.stage.start(pack, lang, story)
        yield self._shown(fresh, lang, lint_report(report, pack.name.to(lang)))

    def _keep(self, made: Any, story: Story, brains: Brains, task: Task) -> tuple[Pack, LintReport]:  # noqa: ANN401
        pack, report, replaced = made(task)
        store = self.library.store(story.owner)
        taken = pack.id in self.library.shared
        pack = replace(pack, id=f"{pack.id}-2") if taken else pack
        kept = store.open(store.save(pack, replace=True) if replaced else store.save(pack))
        if brains.encoder:
            task.step(0.3, "haruhi.embedding")
            with models.encoder(brains.encoder, task) as encoder:
                self.library.keep_vectors(story.owner, kept, encoder, task)
        return kept, report

    def _read(self, paths: list[Path], story: Story, task: Task) -> tuple[Pack, LintReport, bool]:
        """(pack, what was odd, whether it replaces the one of that id)."""
        heads = [path.open("rb").read(64) for path in paths]
        plain = [path for path, head in zip(paths, heads, strict=True) if picture_kind(head)]
        if len(plain) == len(paths) and not (len(paths) == 1 and _is_card(paths[0])):
            return self._with_pictures(plain, story, task)
        return (*read_pack(paths[0], task), False)

    def _with_pictures(self, paths: list[Path], story: Story, task: Task) -> tuple[Pack, LintReport, bool]:
        """The visitor's own character with more pictures, captioned by their file names."""
        if story.key in self.library.shared:
            raise BadInput("not_your_pack")
        pack, lint = self.library.pack(story.owner, story.key), Lint()
        known = {one.file for one in pack.pictures}
        found = []
        for path in paths:
            task.check()
            lint.n_files += 1
            one = picture(path.read_bytes(), path.name, lint)
            if one is not None and one.file not in known:
                found.append(one)
        if not found:
            raise BadInput("no_pictures")
        vectors = {key: replace(one, captions=None, caption_mean=None) for key, one in pack.vectors.items()}
        return replace(pack, pictures=(*pack.pictures, *found), vectors=vectors), lint.report("folder"), True

    def forget(self, do: Mapping[str, Any], story: Story, lang: str) -> View:
        """Throws a pack of the visitor's away for good."""
        key = str(do.get("key") or story.key)
        self.library.store(story.owner).delete(key)
        rest = self.library.known(story)
        if rest.key != story.key:
            rest = self.stage.start(self.library.first, lang, story)
        return self._shown(rest, lang)

    def pack_file(self, kind: str, story: Story) -> View:
        """The character as a file for another hub, for SillyTavern, or for a model hub."""
        if kind not in PACKS:
            raise BadInput("bad_option")
        pack = self.library.pack(story.owner, story.key)
        return View(file=_file(f"{slug(pack.id)}.{SUFFIX[kind]}", PACKS[kind](pack)))

    def chat_file(self, kind: str, story: Story, lang: str) -> View:
        """The conversation that shows as a file."""
        if kind not in CHATS:
            raise BadInput("bad_option")
        name = self.library.pack(story.owner, story.key).name.to(lang) or story.key
        text = {
            "jsonl": lambda: write_jsonl(story.tree, story.role, name),
            "md": lambda: write_markdown(story.tree, name),
            "txt": lambda: write_text(story.tree),
        }[kind]()
        return View(file=_file(f"luotuo-{slug(name)}.{kind}", text.encode()))

    def chat_in(self, path: Path, story: Story, lang: str) -> View:
        """A conversation out of a file, with the character of this story. Raises BadInput("chat_broken")."""
        if path.stat().st_size > MAX_CHAT:
            raise BadInput("chat_large", name=path.name, limit=f"{MAX_CHAT >> 20} MiB")
        tree, user, _ = read_chat(path.read_bytes(), path.name)
        pack = self.library.pack(story.owner, story.key)
        nodes = tuple(
            node if node.side == "user" else replace(node, meta={"key": pack.id}) for node in tree.nodes
        )  # fmt: skip
        return self.stage.whole(replace(story, tree=Conversation(nodes, tree.tip), role=user or story.role), lang)


def _is_card(path: Path) -> bool:
    """Whether a PNG holds a character card."""
    data = path.read_bytes()
    return data.startswith(b"\x89PNG") and (b"chara\0" in data or b"ccv3\0" in data)


def _written(fields: Mapping[str, Any], task: Task) -> tuple[Pack, LintReport, bool]:
    """A pack out of the form's fields. Raises BadInput("no_name")."""
    given = {name: str(value).strip()[:200_000] for name, value in fields.items()}
    name = given.get("name", "")[:60]
    if not name:
        raise BadInput("no_name")
    if given.get("script"):
        pack, report = read_bytes(given["script"].encode(), f"{name}.txt", task)
    else:
        pack, report = Pack(id=slug(name), name=Bilingual(name), speaker=name), Lint().report("script")
    both = {key: Bilingual(given[key], given[key]) for key in ("series", "persona", "greeting") if given.get(key)}
    roles = tuple(one.strip() for one in given.get("roles", "").replace("，", ",").split(",") if one.strip())
    if not any(line.role == pack.speaker for scene in pack.scenes for line in scene.lines):
        pack = replace(pack, speaker=name)
    pack = replace(
        pack, id=slug(name), name=Bilingual(name, name), licence=given.get("licence", ""),
        roles=roles or pack.roles or (USUAL_ROLE["zh"],), **both,
    )  # fmt: skip
    return pack, report, False


def _file(name: str, data: bytes) -> str:
    path = Path(tempfile.mkdtemp(prefix="luotuo-")) / name
    path.write_bytes(data)
    return str(path)

"""The registry: every tab of the hub as one frozen row, in tab order. Importing it imports no app and no Gradio."""

import re
from dataclasses import dataclass

__all__ = ["APPS", "AppSpec", "Words", "find"]


@dataclass(frozen=True, slots=True)
class Words:
    """One text in both languages of the hub."""

    zh: str
    en: str

    def __post_init__(self) -> None:
        if not (self.zh.strip() and self.en.strip()):
            raise ValueError(f"both languages are needed: {self}")

    def to(self, lang: str) -> str:
        """The text in `lang`."""
        return self.zh if lang.startswith("zh") else self.en


@dataclass(frozen=True, slots=True)
class AppSpec:
    """One tab. `build` is «module:function», resolved only when the hub mounts it."""

    key: str  # "summary": URL, element ids, i18n file
    title: Words
    tagline: Words
    build: str  # "apps.summary:build"
    needs: tuple[str, ...]  # capabilities of models.catalogue, best first
    project: str  # the original that it brings back

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[a-z][a-z0-9_]*", self.key):
            raise ValueError(f"key {self.key!r} must be a lower-case identifier")
        if not re.fullmatch(r"[\w.]+:\w+", self.build):
            raise ValueError(f"build {self.build!r} of {self.key} must read «module:function»")
        if not self.needs:
            raise ValueError(f"{self.key} must name at least one capability")


APPS: tuple[AppSpec, ...] = (
    AppSpec(
        key="chat",
        title=Words("骆驼说", "Luotuo Chat"),
        tagline=Words("聊聊骆驼家族，也聊聊天", "Ask about the Luotuo family, or just talk"),
        build="apps.chat:build",
        needs=("respond",),
        project="ChatLuotuo, ChatTuoling",
    ),
    AppSpec(
        key="summary",
        title=Words("驼铃摘要", "CamelBell Summary"),
        tagline=Words("长文缩短，句句有出处", "Long texts made short, every sentence traceable"),
        build="apps.summary:build",
        needs=("summarize",),
        project="CamelBell-C",
    ),
    AppSpec(
        key="qa",
        title=Words("骆驼QA", "Luotuo QA"),
        tagline=Words("给一段文字，问一个问题，答案标在原文里", "A passage, a question, the answer marked in the text"),
        build="apps.qa:build",
        needs=("answer",),
        project="Luotuo-QA",
    ),
    AppSpec(
        key="embedding",
        title=Words("骆驼嵌入", "Luotuo Embedding"),
        tagline=Words(
            "把一堆句子画成地图，聚类、命名、搜索", "Draw a pile of sentences as a map: cluster, name, search"
        ),
        build="apps.embedding:build",
        needs=("embed",),
        project="Luotuo-Text-Embedding",
    ),
    AppSpec(
        key="haruhi",
        title=Words("Chat凉宫春日", "Chat Haruhi"),
        tagline=Words(
            "和角色对话，台词与画面都从他们的故事里找来",
            "Talk to a character; lines and pictures from their own scenes",
        ),
        build="apps.haruhi:build",
        needs=("roleplay", "embed"),
        project="Chat-Haruhi-Suzumiya",
    ),
    AppSpec(
        key="prophet",
        title=Words("骆驼先知", "Luotuo Prophet"),
        tagline=Words("说一个主题，听先知怎么讲", "Name a theme and hear what the Prophet says"),
        build="apps.prophet:build",
        needs=("compose",),
        project="Prophet-Andrew-Ng",
    ),
)


def find(keys: str, apps: tuple[AppSpec, ...] = APPS) -> tuple[AppSpec, ...]:
    """The apps named in a comma-separated list, in tab order; all of them for an empty one. Raises ValueError."""
    wanted = {key.strip() for key in keys.split(",") if key.strip()}
    unknown = wanted - {spec.key for spec in apps}
    if unknown:
        raise ValueError(f"unknown app {', '.join(sorted(unknown))}; choose from {', '.join(s.key for s in apps)}")
    return tuple(spec for spec in apps if not wanted or spec.key in wanted)

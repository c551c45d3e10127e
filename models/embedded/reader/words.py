"""Codes for words: part of speech refined by script and shape, function word, match with the question.

Every code is a small integer; a table of weights has one row for each. Knows closed classes written down by hand and
jieba's tag set; no content word has a code of its own.
"""

import re
from typing import Final

from models.embedded import text
from models.embedded.reader.lexicon import FUNCTION
from models.embedded.reader.question import Question

_TAGS: Final = (
    "pad n nr nrt ns nt nz t s f m q v vn a ad d p c u r k i l y b j z x latin digits numeral unit date percent "
    "comma pause stop colon semicolon open close open_quote close_quote open_title close_title dot dash mark"
)
TAGS: Final = tuple(_TAGS.split())
TAG: Final = {name: at for at, name in enumerate(TAGS)}
_MARKS: Final = {
    "comma": "，,",
    "pause": "、",
    "stop": "。！？!?…",
    "colon": "：:",
    "semicolon": "；;",
    "open": "（([【〔",
    "close": "）)]】〕",
    "open_quote": "“「‘『«",
    "close_quote": "”」’』»",
    "open_title": "《〈",
    "close_title": "》〉",
    "dot": "·‧・•．",
    "dash": "-—–－~～",
}
_MARK_OF: Final = {char: TAG[name] for name, chars in _MARKS.items() for char in chars}
_DIGITS: Final = re.compile(r"[0-9][0-9.,:]*\Z")
_NUMERAL: Final = re.compile(r"(?:[0-9]*[.,]?[0-9]*[零〇一二三四五六七八九十百千万亿两半数几]+余?)\Z")
_DATE: Final = re.compile(r"(?:[0-9零〇一二三四五六七八九十]+)?(?:年代?|月份?|日|号|世纪|时|点|分|秒)\Z")
_PERCENT: Final = re.compile(r"[%％‰℃°]\Z|.*(?:%|％)\Z")
_LATIN: Final = re.compile(r"[a-z][a-z0-9.'&+-]*\Z", re.IGNORECASE)

# Function words by group: each group has a code. Simplified only: the text was made simple before.
_GROUPS: Final = (
    "是; 为 系 乃; 在; 于; 由; 被 遭 受 获; "
    "叫 叫做 称 称为 称作 名 名为 又称 亦称 俗称 简称 别名 别称 史称 通称 号; 的; 得 地; "
    "因 因为 由于 因此 所以 故 因而 于是 从而; 以 用 使用 利用 透过 通过 凭; 和 与 及 以及 跟 同 暨 或 或者; "
    "等 等等; 即 指 指的是 就是 即是 即为; 有 共有 具有 含有 拥有; 成为 变成 作为 当 担任 任 出任 当选; "
    "约 大约 近 逾 超过 达 达到 至少; 共 一共 总共 合计; 从 自 自从; 到 至 直到 截至; 对 对于 向 朝 给; "
    "将 把 让 使 令 使得; 了; 着 过; 之; 其 他 她 它 他们 它们 其中; 这 那 该 此 本 这个 这些; "
    "而 但 但是 却 不过 然而; 也 亦 还 又 并 且 并且 同时; 都 均 皆 全; 不 没 没有 未 无 非; "
    "后 之后 以后 后来; 前 之前 以前; 时 期间 时候; 中 内 里; 上 下 间; "
    "包括 包含 分为 分成 如 例如 像 诸如 分别; 位于 位 坐落 地处; 来自 出身 属于 属; 最; "
    "为了 以便 用于 用来 用以; 曾 曾经 已 已经; 第; 个 位 名 种 只 座 部 条 项; 主要 通常 一般; "
    "根据 按照 依 据 按; 说 认为 表示 指出"
)
FUNCTIONS: Final = {word: at + 1 for at, group in enumerate(_GROUPS.split(";")) for word in group.split()}
N_FUNCTIONS: Final = _GROUPS.count(";") + 2
MATCHES: Final = ("pad", "none", "mark", "function", "some", "left", "right", "head")
MATCH: Final = {name: at for at, name in enumerate(MATCHES)}


def tag_code(word: text.Word) -> int:
    """The refined tag of a word."""
    token = word.text
    if len(token) == 1 and token in _MARK_OF:
        return _MARK_OF[token]
    for pattern, name in ((_DIGITS, "digits"), (_DATE, "date"), (_NUMERAL, "numeral"), (_PERCENT, "percent")):
        if pattern.match(token):
            return TAG[name]
    if _LATIN.match(token):
        return TAG["latin"]
    if not any(char.isalnum() for char in token):
        return TAG["mark"]
    tag = word.tag
    return TAG.get(tag, TAG.get(tag[:2], TAG.get(tag[:1], TAG["x"]))) if tag else TAG["x"]


def match_code(token: str, sides: dict[str, int], chars: frozenset[str], head: str) -> int:
    """How a word of the passage stands to the question: its head noun, one of its words, part of one, or nothing."""
    if not any(char.isalnum() for char in token):
        return MATCH["mark"]
    if head and (token == head or (len(token) > 1 and head.endswith(token))):
        return MATCH["head"]
    if token in sides:
        return MATCH["left"] if sides[token] < 0 else MATCH["right"]
    if token in FUNCTION:
        return MATCH["function"]
    shared = sum(char in chars for char in token)
    return MATCH["some"] if shared * 2 >= len(token) else MATCH["none"]


def question_sides(question: Question) -> dict[str, int]:
    """Content words of the question with the side of the wh-word on which they stand."""
    return {word.text: word.side for word in question.content}

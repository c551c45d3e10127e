"""What a question asks for: its wh-word, the kind of answer, the head noun, the words on either side.

Knows only closed classes that are written down here (question words, function words, the last characters of nouns
that name people, places, times …). Knows nothing of the passage.
"""

import re
from dataclasses import dataclass
from typing import Final

from models.embedded import text
from models.embedded.reader.script import plain

KINDS: Final = (
    *("none", "who", "when", "span", "where", "num", "why", "how", "name", "work"),
    *("org", "list", "define", "which", "what", "yesno"),
)
HEADS: Final = ("none", "person", "place", "time", "org", "work", "amount", "name", "reason", "other")

MAX_QUESTION = 300  # characters that are looked at

# Last characters and words of nouns, longest first within a class.
_HEADED: Final = ("which", "what", "list", "work", "org", "who", "where", "when")
_OWN: Final = re.compile(r"(?:哪一?个?|什么)([^一几个些里儿边位名]+)$")
_HEAD_ENDS: Final = {
    "reason": ("原因", "理由", "缘故", "目的"),
    "name": ("名字", "名称", "别名", "简称", "全名", "原名", "本名", "笔名", "称号", "称呼", "外号", "绰号", "名"),
    "time": ("时间", "时候", "时期", "时代", "日期", "朝代", "世纪", "年代", "年份", "期间", "年", "月", "日", "天", "朝"),
    "amount": (
        *("数量", "人数", "面积", "长度", "高度", "人口", "比例", "比率", "价格", "年龄", "速度", "距离", "温度"),
        *("数", "率", "值", "量", "积"),
    ),
    "place": (
        *("地方", "地点", "地区", "国家", "城市", "位置", "省份", "首都", "首府", "出生地", "故乡", "家乡", "大陆"),
        *("国", "省", "市", "县", "区", "州", "镇", "乡", "村", "岛", "山", "河", "江", "湖", "海", "洋", "城", "街", "路"),
        *("站", "港", "宫", "寺", "庙", "园", "地", "洲", "处"),
    ),
    "org": (
        *("公司", "大学", "学院", "学校", "中学", "机构", "组织", "集团", "部门", "单位", "政党", "球队", "乐队", "银行"),
        *("队", "党", "校", "团", "部", "社", "局", "协会", "委员会", "厂", "军", "台", "司", "院", "派"),
    ),
    "work": ("专辑", "小说", "游戏", "节目", "杂志", "作品", "单曲", "书", "影", "片", "剧", "歌", "曲", "刊", "报", "诗", "画"),
    "person": (
        *("人物", "皇帝", "作者", "导演", "演员", "歌手", "总统", "教授", "主席", "将军", "国王", "教练", "科学家"),
        *("人", "者", "员", "家", "王", "帝", "师", "手", "将", "君", "士", "父", "母", "子", "妻", "生", "长", "后", "妃"),
    ),
}
# One pattern, alternatives in order of precedence at the same place.
_WH: Final = re.compile(
    r"(?P<why>为什么|为何|因何|缘何|何故|什么原因|何种原因|什么理由|怎么会|为啥)"
    r"|(?P<when>什么时候|什么时间|什么时期|什么年代|何时|何年|何月|何日|哪一?[年天日月]|哪个?(?:世纪|年代|朝代?|时代|时期|月份)"
    r"|哪几年|几[月日号点]|几几年|啥时候)"
    r"|(?P<span>多久|多长时间|多少时间|几[年天周]|几个(?:月|小时|星期|世纪)|多少[年天])"
    r"|(?P<where>什么地方|哪里|哪儿|哪边|何处|何地|何方|何在|哪一?个?(?:地方|地点|地区|国家|城市|省份?|市|县|区|州|村|岛|国))"
    r"|(?P<who>谁|何人|什么人|哪一?[位名]|哪个人|哪些人|哪几[位人])"
    r"|(?P<how>怎么样|怎样|怎么|如何|何以|咋)"
    r"|(?P<list>哪些|哪几[个种类项条部家所]?|有什么|哪[二两三四五六七八九十][个种类项条部家所位名国]?)"
    r"|(?P<num>多少|几[个位名种次倍条岁届座项本部]?|多[大高长远重深宽快厚久粗]|第几)"
    r"|(?P<work>哪一?[部本首集套篇期](?![分来])|什么(?:书|电影|小说|歌曲?|专辑|游戏|节目|杂志))"
    r"|(?P<org>哪一?[家所支队](?![乡])|什么(?:公司|大学|学校|机构|组织|球队))"
    r"|(?P<which>哪一?[个种件张条派类场项届只款党朝座段门级点座任辆艘代]|哪)"
    r"|(?P<what>什么|甚么|何种|何物|何事|何等|何|啥)"
    r"|(?P<yesno>是否|能否|可否|是不是|有没有|能不能|会不会|可不可以|需不需要|要不要|吗)"
)
_NAME: Final = re.compile(r"(?:叫做?|称为?|名为|命名为|称作|又名|别名是?|原名是?|名字是?|简称是?|全名是?|名称是?|代号是?)$")
_BECOME: Final = re.compile(r"(?:称之?|命名|改名|更名|译|视|名|尊|算|变|改|作|立|定义|分|化|评|选|誉)$")
_DEFINE: Final = re.compile(r"^(?:请问)?(?:什么|何谓|啥)(?:是|叫|指)")
_COPULA: Final = re.compile(r"(?:分别|主要|通常|一般|最初|原来)?(?:[是为有叫指在]|指的是|等于|包括)(?:了|着|过)?$")
_TAIL: Final = re.compile(r"[\s？?。.!！,，：:]+$")
_NOUNISH: Final = ("n", "l", "i", "j", "s", "t", "vn", "an", "k", "q", "b", "g", "zg", "x", "eng", "a")

FUNCTION: Final = frozenset(
    "的 地 得 了 着 过 是 为 在 于 由 被 与 和 及 或 以 对 将 把 从 到 自 至 因 而 且 但 也 亦 都 就 又 还 等 之 其 该 此 这 那 "
    "个 位 名 种 有 上 下 中 内 后 前 里 时 所 并 请问 吗 呢 吧 啊 第 一 一个 他 她 它 他们 它们 自己 主要 分别 可以 能 会 要 曾 "
    "曾经 最 不 没有 当 向 给 让 使 使得 同 跟 比 按 作 做 成 成为 叫 叫做 称为 指 即 什么 谁 哪 哪里 哪个 多少 几 何 怎么 如何 怎样 "
    "the a an of in on at to by for and or is are was were be been do does did what who when where which how why".split()
)


@dataclass(frozen=True, slots=True)
class QuestionWord:
    """A content word of the question: rarity, side of the wh-word (-1 left, 1 right), words away from it."""

    text: str
    idf: float
    side: int
    distance: int


@dataclass(frozen=True, slots=True)
class Question:
    """A parsed question; `source[wh_start:wh_end]` is the wh-word (the end of the text when there is none)."""

    source: str  # simplified, lower case, without the marks at its end; same offsets as what was typed
    wh_start: int
    wh_end: int
    kind: str  # of KINDS
    head: str  # head noun after 哪个/什么, or the attribute before 是什么; "" when there is none
    head_class: str  # of HEADS
    unit: str  # what follows 几 or 多少: 个, 年, 公里 …
    content: tuple[QuestionWord, ...]

    @property
    def left(self) -> str:
        """What stands before the wh-word."""
        return self.source[: self.wh_start]

    @property
    def right(self) -> str:
        """What stands after the wh-word."""
        return self.source[self.wh_end :]


def parse(question: str) -> Question:
    """Reads a question. Works on anything; without a wh-word the kind is "none".

    >>> parse("谁写了《背影》？").kind, parse("珠穆朗玛峰有多高？").kind
    ('who', 'num')
    """
    source = _TAIL.sub("", plain(question[:MAX_QUESTION]))
    kind, start, end = _wh(source)
    head, unit = _head(source, kind, start, end)
    head_class = class_of(head)
    kind = _refined(kind, source, start, end, head_class)
    return Question(source, start, end, kind, head, head_class, unit, _content(source, start, end))


def _wh(source: str) -> tuple[str, int, int]:
    """The last wh-word; a real one wins over 吗 and 是否."""
    found = list(_WH.finditer(source))
    real = [match for match in found if match.lastgroup != "yesno"] or found
    if not real:
        return "none", len(source), len(source)
    last = real[-1]
    if last.group() == "为什么" and _BECOME.search(source[: last.start()]):  # 称之为｜什么, not 称之｜为什么
        return "what", last.start() + 1, last.end()
    if last.lastgroup == "what" and len(real) > 1 and real[-2].lastgroup in ("why", "when"):
        last = real[-2]
    return str(last.lastgroup), last.start(), last.end()


def class_of(noun: str) -> str:
    """The class of HEADS that a noun's ending names."""
    if not noun:
        return "none"
    for name, ends in _HEAD_ENDS.items():
        if noun.endswith(ends):
            return name
    return "other"


def _head(source: str, kind: str, start: int, end: int) -> tuple[str, str]:
    """Head noun and unit."""
    after = text.tagged(source[end : end + 12]) if end < len(source) else []
    if kind in ("num", "span") and after:
        unit = after[0].text if after[0].tag[0] in "qmn" else ""
        return unit, unit or source[start:end][-1]
    own = _own_noun(source[start:end]) if kind in _HEADED else ""
    if len(own) > 1:
        return own, ""
    if kind in _HEADED:
        return _noun_run(after) or own or _attribute(source[:start]), ""
    return _attribute(source[:start]), ""


def _own_noun(wh: str) -> str:
    """The noun inside a wh-word such as 什么地方; "" for a bare one."""
    found = _OWN.match(wh)
    return found.group(1) if found else ""


def _noun_run(words: list[text.Word]) -> str:
    """The nouns that follow the wh-word, up to the first word that is none; only the last two of them."""
    taken: list[str] = []
    for word in words:
        if word.text == "的" and not taken:
            continue
        if not word.tag.startswith(_NOUNISH) or not word.text.strip() or not word.text.isalnum():
            break
        taken.append(word.text)
    return "".join(taken[-2:])


def _attribute(left: str) -> str:
    """The noun before 是什么: the Y of «X的Y是什么»."""
    words = text.tagged(_COPULA.sub("", left)[-12:])
    if words and words[-1].tag.startswith(("n", "vn", "l", "j", "t", "s")) and words[-1].text.isalnum():
        return words[-1].text
    return ""


def _refined(kind: str, source: str, start: int, end: int, head_class: str) -> str:
    """Turns the bare wh-word's kind into what its surroundings say."""
    if kind == "what" and _DEFINE.match(source):
        return "define"
    if kind in ("what", "none", "which") and (_NAME.search(source[:start]) or head_class == "name"):
        return "name"
    by_head = {"reason": "why", "amount": "num", "place": "where", "time": "when", "person": "who"}
    if kind in ("which", "what", "none"):
        return by_head.get(head_class, head_class if head_class in ("org", "work") else kind)
    if kind == "how" and source[start:end] in ("如何", "怎样", "怎么样") and end == len(source):
        return "what"
    return kind


def _content(source: str, start: int, end: int) -> tuple[QuestionWord, ...]:
    """Content words with their side and distance (in words) from the wh-word."""
    words = [word for word in text.tagged(source) if word.text.strip()]
    left = [word for word in words if word.end <= start]
    right = [word for word in words if word.start >= end]
    sided = [(word, -1, at) for at, word in enumerate(reversed(left))] + [(word, 1, at) for at, word in enumerate(right)]
    return tuple(
        QuestionWord(word.text, text.idf(word.text), side, at)
        for word, side, at in sided
        if word.text not in FUNCTION and any(char.isalnum() for char in word.text)
    )

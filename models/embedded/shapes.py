"""What kind of thing a token is: folded parts of speech, kinds of punctuation, hand-written lists of function words and
of the phrases in which papers, news and speech announce, link and pad.

Knows no content word, so whatever is learnt over these kinds holds for any subject. Knows nothing of weights or texts.
"""

from models.embedded.text import Word

# Parts of speech of jieba, folded.
_TAGS = {
    tag: name
    for name, tags in {
        "noun": "n ng nrt nz nt nrfg",
        "name": "nr ns",
        "verbal noun": "vn",
        "verb": "v vg vd vi vq",
        "adjective": "a ad an ag",
        "adverb": "d dg df",
        "preposition": "p",
        "conjunction": "c",
        "pronoun": "r rr rz rg",
        "number": "m mg mq",
        "measure": "q",
        "of": "uj",  # 的
        "particle": "u ul ug uz ud uv y e o z zg",
        "locality": "f s",
        "time": "t tg",
        "latin": "eng",
        "idiom": "l i j",
        "attributive": "b",
        "affix": "k h",
    }.items()
    for tag in tags.split()
}
_MARKS = {
    mark: name
    for name, marks in {
        "comma": "，,",
        "stop": "。．.！!？?…",
        "semicolon": "；;",
        "colon": "：:",
        "enumeration": "、",
        "open": '（([【《〈<“‘"「『',
        "close": "）)]】》〉>”’」』",
        "dash": "-—－–～~·/",
    }.items()
    for mark in marks
}
MARKS = frozenset(_MARKS.values())
KINDS = (*dict.fromkeys(_TAGS.values()), *dict.fromkeys(_MARKS.values()), "symbol", "blank", "edge")
NOMINAL = frozenset({"noun", "name", "verbal noun", "latin", "idiom", "attributive", "affix"})
CONTENT = frozenset({"noun", "name", "verbal noun", "verb", "adjective", "latin", "idiom", "attributive"})
BREAKS = frozenset({"comma", "stop", "semicolon", "colon", "edge", "blank"})  # a clause ends here

# Each list is one feature, whichever of its words stands there.
LISTS: dict[str, frozenset[str]] = {
    name: frozenset(words.split())
    for name, words in {
        "propose": "提出 设计 建立 构建 开发 研制 实现 给出 构造 推导 制备 合成 提供 制定 发展 改进 推出 发布 宣布",
        "study": "研究 探讨 分析 考察 探索 讨论 论述 阐述 调查 观察 评价 比较 了解 探究 剖析 评估 研讨 测定 检测 揭示 "
        "阐明 论证 寻求 明确 解决 思考 考虑 关注 重点 着重 深入 系统 针对 围绕 对比",
        "present": "介绍 综述 总结 概述 描述 报道 回顾 叙述 概括 归纳 梳理 说明 简述 评述 展望 简介 详细 简要 "
        "主要 分别",
        "show": "表明 显示 发现 证明 认为 指出 得出 可知 看出 证实 表示 称 说 得到 结果表明 验证 提示 强调 透露 建议",
        "use": "采用 利用 应用 使用 运用 通过 借助 根据 依据 结合 按照 选取 选择 收集 依托",
        "based": "基于 面向 关于",
        "aim": "目的 为了 旨在 以期 力求 试图 目标 为此 背景 目 为 意义",
        "method": "方法 材料 对象 资料 步骤",
        "result": "结果 结论 最后 最终 总之 因此 结局 从而 可见",
        "here": "本文 本研究 笔者 作者 文章 该文 文中 我们 本 论文 本课题 记者 本报 我 文",
        "this": "该 其 这 此 这些 它 这种 它们 上述 以上 该类",
        "linker": "但是 但 然而 而 因此 所以 于是 并 并且 而且 同时 此外 另外 首先 其次 然后 再次 最后 不过 随着 由于 "
        "虽然 如果 即 也 还 则 且 又 就 却",
        "one": "一种 一个 一类 一套 一系列 新 新型 一些 几种 多种 各种 这种 种 个",
        "matter": "研究 分析 探讨 应用 影响 作用 关系 特征 特点 进展 现状 问题 对策 策略 机制 机理 方法 设计 实现 模型 "
        "算法 系统 技术 评价 比较 调查 探索 思考 趋势 效果 疗效 规律 意义 价值 模式 途径 建设 发展 结构 性能 理论 原理 "
        "措施 启示",
        "weak matter": "基础 情况 方面 内容 因素 过程 条件 要求 目的 依据 参考 水平 能力 重要 必要 重要性 必要性 "
        "可行性",
        "and": "和 与 及 以及 及其 或 并",
        "on": "对 对于 在 从 向 于 以 将 把 用 由 由于 为 与 同 就",
        "in": "中 上 下 内 里 间 后 前 时 方面",
        "is": "是 为 有 具有 存在 包括 成为 作为 属于",
        "done": "了 进行 着 过 得 已 已经 可以 能够 可 能 被 均 较 很 更 最 不 无 没有 应 应该 需要 必须 正在",
    }.items()
}

_GENERIC = """
研究 方法 结果 本文 结论 问题 分析 影响 作用 特点 意义 主要 患者 我国 中国 关系 文章 论文 作者 笔者 建议 对策 措施 现状
趋势 数据 资料 对象 目前 实验 试验 实验结果 研究结果 差异 统计学 比较 程度 方式 特征 部分 范围 技术 应用 理论 模型 系统
效果 提高 进行 可能 因此 组 例 时间 结构 发展 变化 工作 学者 角度 原因 方案 思路 国家 社会 统计学意义 显著性 浓度 含量
仿真 有效性 正确性 实例 步骤 优点 缺点 优势 规律 国内外 近年来 现象 单位 人们 观点 参数 性能 实践 实际 途径 需求 地区
世界 时期 阶段 东西 事情 时候 地方 大家 先生 今天 明天 昨天 记者 消息 报道
"""
_ENGLISH = """
a about above after again against all also am an and any are as at be because been before being below between both
but by can could did do does doing down during each even few for from further get had has have having he her here
hers herself him himself his how however i if in into is it its itself just like many may me might more most much
must my myself no nor not now of off on once one only or other our ours out over own per said same say says she
should since so some such than that the their theirs them themselves then there therefore these they this those
through thus to too two under until up upon us very was we were what when where which while who whom whose why will
with within without would yet you your yours br com div html http https nbsp span www
"""
# Words that name no subject although they are nouns: a key phrase needs at least one word outside these.
GENERIC = LISTS["weak matter"] | frozenset(_GENERIC.split())
ENGLISH = frozenset(_ENGLISH.split())


def kind(word: Word) -> str:
    """One of KINDS.

    >>> kind(Word("，", "x", 0, 1)), kind(Word("骆驼", "n", 0, 2))
    ('comma', 'noun')
    """
    if word.text.isspace():
        return "blank"
    if word.text in _MARKS:
        return _MARKS[word.text]
    return _TAGS.get(word.tag, "noun" if word.text[0].isalnum() else "symbol")


def is_generic(word: Word) -> bool:
    """Whether a word can stand in any text and so names no subject."""
    return word.text in GENERIC or word.text.lower() in ENGLISH

"""Closed classes that the reader knows by heart: wh-words, endings of nouns, function words. Data, no logic.

Everything is in simplified characters; see script.plain.
"""

import re
from typing import Final

# Last characters and words of nouns by class; the first class with a fitting end wins.
_ENDS: Final = {
    "reason": "原因 理由 缘故 目的",
    "name": "名字 名称 别名 简称 全名 原名 本名 笔名 称号 称呼 外号 绰号 名",
    "time": "时间 时候 时期 时代 日期 朝代 世纪 年代 年份 期间 年 月 日 天 朝",
    "amount": "数量 人数 面积 长度 高度 人口 比例 比率 价格 年龄 速度 距离 温度 数 率 值 量 积",
    "place": "地方 地点 地区 国家 城市 位置 省份 首都 首府 出生地 故乡 家乡 大陆 国 省 市 县 区 州 镇 乡 村 岛 山 "
    "河 江 湖 海 洋 城 街 路 站 港 宫 寺 庙 园 地 洲 处",
    "org": "公司 大学 学院 学校 中学 机构 组织 集团 部门 单位 政党 球队 乐队 银行 队 党 校 团 部 社 局 协会 "
    "委员会 厂 军 台 司 院 派",
    "work": "专辑 小说 游戏 节目 杂志 作品 单曲 书 影 片 剧 歌 曲 刊 报 诗 画",
    "person": "人物 皇帝 作者 导演 演员 歌手 总统 教授 主席 将军 国王 教练 科学家 人 者 员 家 王 帝 师 手 将 君 士 "
    "父 母 子 妻 生 长 后 妃",
}
HEAD_ENDS: Final = {name: tuple(ends.split()) for name, ends in _ENDS.items()}
# One pattern, alternatives in order of precedence at the same place.
WH: Final = re.compile(
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
# English questions open with their wh-word, so the first one counts.
ENGLISH_WH: Final = re.compile(
    r"\b(?:(?P<num>how (?:many|much|old|far|big|tall))|(?P<span>how long)|(?P<how>how)|(?P<who>who(?:m|se)?)"
    r"|(?P<when>when)|(?P<where>where)|(?P<why>why)|(?P<what>what|which))\b"
)
NAME: Final = re.compile(
    r"(?:叫做?|称为?|名为|命名为|称作|又名|别名是?|原名是?|名字是?|简称是?|全名是?|名称是?|代号是?)$"
)
BECOME: Final = re.compile(r"(?:称之?|命名|改名|更名|译|视|名|尊|算|变|改|作|立|定义|分|化|评|选|誉)$")
DEFINE: Final = re.compile(r"^(?:请问)?(?:什么|何谓|啥)(?:是|叫|指)")
COPULA: Final = re.compile(r"(?:分别|主要|通常|一般|最初|原来)?(?:[是为有叫指在]|指的是|等于|包括)(?:了|着|过)?$")
TAIL: Final = re.compile(r"[\s？?。.!！,，：:]+$")
NOUNISH: Final = ("n", "l", "i", "j", "s", "t", "vn", "an", "k", "q", "b", "g", "zg", "x", "eng", "a")

_FUNCTION: Final = (
    "的 地 得 了 着 过 是 为 在 于 由 被 与 和 及 或 以 对 将 把 从 到 自 至 因 而 且 但 也 亦 都 就 又 还 等 之",
    "其 该 此 这 那 个 位 名 种 有 上 下 中 内 后 前 里 时 所 并 请问 吗 呢 吧 啊 第 一 一个 他 她 它 他们 它们",
    "自己 主要 分别 可以 能 会 要 曾 曾经 最 不 没有 当 向 给 让 使 使得 同 跟 比 按 作 做 成 成为 叫 叫做 称为",
    "指 即 什么 谁 哪 哪里 哪个 多少 几 何 怎么 如何 怎样 the a an of in on at to by for and or is are was were",
    "be been do does did what who when where which how why",
)
FUNCTION: Final = frozenset(word for row in _FUNCTION for word in row.split())

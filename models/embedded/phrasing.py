"""Different ways of asking the same thing, brought to one form, so that what a question is about decides.

Knows the closed set of Chinese and English question frames and a few everyday synonyms, listed by hand; knows nothing
of any topic. The canonical form is for matching only and never for showing.
"""

import re

from models.embedded.text import normalise
from models.embedded.variants import simplify

_ABOUT = "何物"  # «what is X», however it is asked
_RULES: tuple[tuple[str, str], ...] = (
    (r"[?？!！。，,~～…、：:；;“”\"'’‘]+", " "),
    (r"what s\b|whats\b", "what is"),
    (r"\b(please|could you|can you tell me|do you know|i want to know|tell me)\b", " "),
    (r"\bwhat (?!is |are |was |does )(.{2,30}) (is|are|means)$", rf" {_ABOUT} \1 "),
    (r"\b(what (is|are|was|does)|explain|describe|introduce|meaning of)\b", f" {_ABOUT} "),
    (r"\b(about|mean|means)\b", " "),
    (r"\b(wrote|created|built|developed|develops|makes)\b", "made"),
    (r"\b(change|set|select|choose)\b", "switch"),
    (r"请问|麻烦你?|能不能|可不可以|能否|可否|帮忙|帮我|给我|告诉我|我?想(知道|问|了解)|跟我说", ""),
    (r"一下子?|到底|究竟|其实", ""),
    (r"为啥|为什么|为何|凭什么|怎么会(?=.)|什么原因|是何原因", "为何"),
    (r"(是)?(干嘛|干什么|干啥|做什么|做啥|有什么|有啥)(用的?|的|用处)", _ABOUT),
    (r"(讲|说|指|做|干)(的是|的)?(什么|啥)", _ABOUT),
    (r"什么叫做?|什么是|啥是|啥叫|是个?(什么|啥)(东西|意思|玩意儿?)?|(什么|啥)意思|怎么回事|怎么理解|代表什么", _ABOUT),
    (r"解释|介绍|讲讲|说说|聊聊|科普", _ABOUT),
    (r"(?<=[\u3400-\u9fffa-z0-9])是个?(什么|啥)\S{0,4}$", _ABOUT),
    (r"啥", "什么"),
    (r"如何|怎样|咋样?|怎么才能|怎么样", "怎么"),
    (r"哪位|哪些人|什么人|哪家公司|哪家|何人", "谁"),
    (r"谁把(你|它)?(写|做|造|开发|创造)出来", r"谁做\1"),
    (r"谁(写|做|造|开发|创造|发布|创建|出)(出来|了)?|的?作者是?谁?", "谁做"),
    (r"(何时|哪(一)?[年天]|什么时间|几时)", "什么时候"),
    (r"多少个?|几个", "多少"),
    (r"好不好用|好用不?|效果(怎么|好不好)?|质量怎么", "效果"),
    (r"一本正经(地|的)?|八道|胡编|瞎编|乱编", "胡说"),
    (r"(胡说)+", "胡说"),
    (r"毛病|缺点|不足|弱点|缺陷|短板|(?<=什么)问题", "缺点"),
    (r"网页|页面|界面|站点|本站", "网站"),
    (r"改成|变成|换成|改为|设成", "切换"),
    (r"训(?!练)(出来)?", "训练"),
    (r"付钱|要钱|收费|花钱|免费|付费", "收费"),
    (r"暗色|暗黑|夜间|黑夜", "深色"),
    (r"清除|清空|删掉|删除", "清空"),
    (r"\bgpu\b", "显卡"),
    (r"不?靠谱|可信", "可靠"),
    (r"大语言模型|\bllm\b|大型语言模型", "大模型"),
    (r"有没有|是不是|会不会|要不要|好不好|有哪些|都有|哪些|里面|关于|叫做", ""),
    (r"(开启|打开|启用)", "打开"),
    (r"(?<=.)(特别|非常|十分|真的?|超级|比较|感觉|总是|老是)|最近(?=.)", ""),
    (r"[吗呢呀啊吧嘛么哦哈]+(?=\s|$)", ""),
    (r"什么|可以|[的是有能把被给也都就还]|了(?!解)|(?<![记觉获值])得", ""),
)
_COMPILED = tuple((re.compile(pattern), replacement) for pattern, replacement in _RULES)


def canonical(question: str) -> str:
    """The question without its frame: politeness and particles gone, «what is» in one form, synonyms in one word.

    Falls back to the plain text when nothing else is left.
    """
    plain = simplify(normalise(question))
    text = plain
    for pattern, replacement in _COMPILED:
        text = pattern.sub(replacement, text)
    text = re.sub(rf"\s*({_ABOUT}\s*)+", f" {_ABOUT} ", text)
    return text.strip() or plain


def subject(question: str) -> str:
    """What a «what is X» question is about; "" for any other question.

    >>> subject("介绍一下骆驼嵌入")
    '骆驼嵌入'
    """
    form = canonical(question)
    return form.replace(_ABOUT, " ").strip() if _ABOUT in form else ""

"""Does the first row name the columns, or is it data? Knows what names look like beside what they name; in doubt the
row is data, because a name shown as a row does less harm than a row that is lost.
"""

import re
from collections.abc import Sequence

MAX_LABEL = 24  # characters; longer cells are data

_NUMBER = re.compile(r"[-+]?[\d.,]+\s*%?|\d{4}[-/年.]\d{1,2}([-/月.]\d{1,2}日?)?([ T][\d:.]+Z?)?")
_SENTENCE = re.compile(r"[。！？!?…；;，,]|\.\s|\.$|https?://")
_IDENTIFIER = re.compile(r"[A-Za-z][A-Za-z0-9 _.\-/()]*")
_CJK = re.compile(r"[\u3400-\u9fff]")
_WORDS = """
id no index number num text texts content contents body sentence sentences sentence1 sentence2 document title headline
name label labels class category type tag tags topic sentiment polarity score rating star stars date time year question
questions query answer answers response reply instruction instructions input output prompt completion context passage
abstract summary target source src zh en chinese english translation url link author speaker role user review comment
comments word keyword keywords lang language
编号 序号 标识 文本 内容 正文 句子 句子1 句子2 文档 标题 题目 名称 名字 姓名 标签 类别 分类 类型 主题 情感 情绪 极性
得分 分数 评分 星级 日期 时间 年份 问题 提问 答案 回答 回复 指令 输入 输出 提示 上下文 段落 摘要 目标 来源 出处
中文 英文 原文 译文 翻译 链接 网址 作者 说话人 角色 用户 评论 评价 关键词 词语 语言 备注 说明
編號 序號 文字 內容 標題 題目 名稱 標籤 類別 分類 類型 主題 得分 分數 評分 日期 時間 問題 回覆 輸入 輸出
來源 譯文 翻譯 連結 評論 評價 關鍵詞 語言 備註 說明
"""
_NAMES = frozenset(_WORDS.split())


def has_header(rows: Sequence[Sequence[str]]) -> bool:
    """Whether rows[0] names the columns of the rows below; all rows have the same width.

    >>> has_header([("句子", "得分"), ("今天天气很好", "3")]), has_header([("今天天气很好", "3"), ("我不高兴", "1")])
    (True, False)
    """
    head, *body = rows
    if not body or not all(_could_be_label(cell) for cell in head) or not any(head):
        return False
    columns = list(zip(*body, strict=True))
    if any(cell and cell in column for cell, column in zip(head, columns, strict=True)):
        return False  # a name does not come back as a value
    known = any(cell.lower().replace("_", " ").strip() in _NAMES for cell in head)
    return known or any(_differs(cell, column) for cell, column in zip(head, columns, strict=True))


def _could_be_label(cell: str) -> bool:
    return len(cell) <= MAX_LABEL and not _NUMBER.fullmatch(cell) and not _SENTENCE.search(cell) and "\n" not in cell


def _differs(label: str, column: Sequence[str]) -> bool:
    """Whether the cells of a column are of another kind than its first one: numbers, Chinese, or much longer."""
    cells = [cell for cell in column if cell]
    if not label or not cells:
        return False
    if sum(bool(_NUMBER.fullmatch(cell)) for cell in cells) > 0.8 * len(cells):
        return True
    if _IDENTIFIER.fullmatch(label) and sum(bool(_CJK.search(cell)) for cell in cells) > 0.8 * len(cells):
        return True
    lengths = sorted(map(len, cells))
    return lengths[len(lengths) // 10] >= max(12, 3 * len(label))  # nine in ten are

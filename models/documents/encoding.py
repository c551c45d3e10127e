"""Bytes to text, for the encodings that Chinese files really come in, right for short texts too.

Order: strict UTF-8, byte order marks, then whichever of UTF-8, GB18030, Big5, UTF-16 LE/BE makes the bytes most
probable under a coarse model of Chinese (`_cost`), then charset-normalizer. Knows nothing of files and formats.
"""

import codecs
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache

from models.task import Task

# By hand: the characters that make up most of any Chinese text, simplified, then the traditional forms that differ.
_FREQUENT = frozenset(
    "的一是不了在人有我他这个们中来上大为和国地到以说时要就出会可也你对生能而子那得于着下自之年过发后作里用道行所"
    "然家种事成方多经么去法学如都同现当没动面起看定天分还进好小部其些主样理心她本前开但因只从想实日军者意无力它与"
    "长把机十民第公此已工使情明性知全三又关点正业外将两高间由问很最重并物手应战向头文体政美相见被利什二等产或新己"
    "制身果加西斯月话合回特代内信表化老给世位次度门任常先海通教儿原东声提立及比员解水名真论处走义各入几口认条平系"
    "气题活尔更别打女变四神总何电数安少报才结反受目太量再感建务做接必场件计管期市直德资命山金指克许统区保至队形社"
    "便空决治展马科司五基眼书非则听白却界达光放强即像难且权思王象完设式色路记南品住告类求据程北边死张该交规万取拉"
    "格望觉术领共确传师观清今切院让识候带导争运笔组服六首字收爱花红车城写钱买您吗呢吧啊呀哪谁怎吃喝远快慢早晚夜春"
    "夏秋冬风雨雪云江河湖岛树鸟鱼牛羊猫狗七八九零百千亿元角店房屋室楼街村州县省京族语言词句段章节诗歌音乐画图片视"
    "频影戏游赛球联团党委会议员选举法律案件警察医院病药研究校班级老师朋友父母亲兄弟姐妹孩男夫妻爸妈客服务商品质量价"
    "这為國時說來會對這個們發後裡過還經麼學現當沒動進開從實軍無與長機業將兩間問應戰頭體見產話內門給員東聲論處義幾認"
    "條氣題爾別變總電數報結務場計資統區隊決馬書則聽卻達難權設記類據邊張該規萬覺術領確傳師觀讓識帶導爭運筆組愛紅車寫"
    "錢買嗎誰遠風雲島樹鳥魚貓億縣語詞節詩樂畫圖視頻戲賽聯團黨議選舉醫藥級親孩價質點關於著種樣並號線廣連單約歲"
    "号线广连单约岁测试骆驼模型摘要驗測試駱駝繁體簡简汉漢"
)
_PUNCTUATION = frozenset("，。、！？：；“”‘’（）《》「」『』【】…—·　")
_CONTROL = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f\ufeff\ud800-\udfff]")
_BINARY = re.compile("[\x00-\x08\x0e-\x1f]")  # never in a text file that was read in the right encoding
_NEWLINE = re.compile("\r\n|[\r\x0b\x0c\x85\u2028\u2029]")
_BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_CANDIDATES = ("utf-8", "gb18030", "cp950", "big5hkscs", "utf-16-le", "utf-16-be")

_SAMPLE = 1 << 16  # bytes on which the candidates compete
_CHUNK = 1 << 20  # bytes decoded between two looks at the task
_ASCII, _LIKELY, _COMMON, _LETTER, _RARE, _ODD, _STRAY, _BAD = 4.5, 6.5, 9.5, 10.5, 12.5, 15.0, 18.0, 20.0  # ≈ -ln p
_PLAUSIBLE = 11.0  # mean cost of the characters that are not ASCII, above which no candidate is believed
_CERTAIN = 8.0  # mean cost that bytes which are no UTF-16 practically never reach when read as UTF-16
_FEW_LOST, _MAX_LOST = 4, 0.01  # number and share of undecodable or control characters; above both it is not text


def clean(text: str) -> str:
    """Every line end as \\n; no NULs, other control characters, stray byte order marks or lone surrogates."""
    return _CONTROL.sub("", _NEWLINE.sub("\n", text))


def decode(data: bytes, task: Task) -> str | None:
    """The clean text of `data`, or None when it is not text. A few broken bytes become U+FFFD. Raises Cancelled."""
    for bom, encoding in _BOMS:
        if data.startswith(bom):
            return _readable(_decoded(data[len(bom) :], encoding, task))
    try:
        text = _decoded(data, "utf-8", task, errors="strict")
    except UnicodeDecodeError:
        text = ""
    sample = _sample(data)
    if text and not _BINARY.search(text) and not _utf16_in_disguise(sample):
        return clean(text)
    encoding = _utf16_in_disguise(sample) or _most_plausible(sample) or _guess_of_charset_normalizer(sample)
    return encoding and _readable(_decoded(data, encoding, task))


def _decoded(data: bytes, encoding: str, task: Task, *, errors: str = "replace") -> str:
    decoder = codecs.getincrementaldecoder(encoding)(errors)
    parts = []
    for start in range(0, len(data), _CHUNK):
        task.check()
        parts.append(decoder.decode(data[start : start + _CHUNK], final=start + _CHUNK >= len(data)))
    return "".join(parts)


def _readable(text: str) -> str | None:
    """The clean text, or None when too much of it is lost or was never text."""
    lines = _NEWLINE.sub("\n", text)
    kept = _CONTROL.sub("", lines)
    lost = kept.count("\ufffd") + len(lines) - len(kept)
    return kept if lost <= max(_FEW_LOST, _MAX_LOST * len(text)) else None


def _sample(data: bytes) -> bytes:
    """The stretch around the first byte that is not ASCII, at an even offset so that UTF-16 stays in step.

    All bytes before that one are ASCII, so no double byte of another encoding is cut in two either.
    """
    found = re.search(rb"[\x80-\xff]", data)
    start = max(0, found.start() - _SAMPLE // 2) & ~1 if found else 0
    return data[start : start + _SAMPLE]


def _utf16_in_disguise(sample: bytes) -> str | None:
    """UTF-16 without a mark whose bytes all happen to be ASCII: 8 or more characters, common ones without exception.

    >>> _utf16_in_disguise("三个婆子慌慌张张".encode("utf-16-le")), _utf16_in_disguise(b"Bush hid the facts")
    ('utf-16-le', None)
    """
    for encoding in ("utf-16-le", "utf-16-be"):
        costs = [_cost(char) for char in sample.decode(encoding, "replace")]
        if len(costs) >= 8 and max(costs) <= _COMMON and sum(costs) <= _CERTAIN * len(costs):
            return encoding
    return None


def _most_plausible(sample: bytes) -> str | None:
    """The candidate under which the bytes are most probable; None when that is still improbable."""
    _, mean, encoding = min(_scores(sample), key=lambda score: score[0])  # ties go to the earlier candidate
    return encoding if mean <= _PLAUSIBLE else None


def _scores(sample: bytes) -> Iterator[tuple[float, float, str]]:
    """For each candidate: cost of the whole sample, mean cost of a character beyond ASCII, name."""
    for encoding in _CANDIDATES:
        decoder = codecs.getincrementaldecoder(encoding)("replace")
        counts = Counter(decoder.decode(sample, final=len(sample) < _SAMPLE))
        beyond = {char: n for char, n in counts.items() if char > "\x7f"}
        mean = sum(n * _cost(char) for char, n in beyond.items()) / max(1, sum(beyond.values()))
        yield sum(n * _cost(char) for char, n in counts.items()), mean, encoding


@lru_cache(maxsize=1 << 16)
def _cost(char: str) -> float:
    """About -ln of the probability of a character in Chinese text, from its rank in the national standards."""
    if char in _FREQUENT or char in _PUNCTUATION:
        return _LIKELY
    if char == "\ufffd" or _CONTROL.match(char):
        return _BAD
    if char < "\x80":
        return _ASCII
    if "\u3400" <= char <= "\u9fff":
        gb, big = char.encode("gb2312", "ignore"), char.encode("big5", "ignore")
        if b"\xb0" <= gb[:1] <= b"\xd7" or b"\xa4" <= big[:1] <= b"\xc6":  # their first levels: in common use
            return _COMMON
        return _RARE if gb or big else _ODD
    if "\u3040" <= char <= "\u30ff":
        return _LETTER
    category = unicodedata.category(char)
    return _ODD if category == "Lo" else {"L": _LETTER, "C": _STRAY}.get(category[0], _RARE)


def _guess_of_charset_normalizer(sample: bytes) -> str | None:
    """Last resort, for Japanese, Korean, Latin, Cyrillic …; not asked about bytes with the controls of a binary."""
    if len(_BINARY.findall(sample.decode("latin-1"))) > _MAX_LOST / 2 * len(sample):
        return None
    from charset_normalizer import from_bytes

    best = from_bytes(sample, cp_exclusion=["utf_7", "utf_16", "utf_32"]).best()
    return best.encoding if best else None

"""What visitors upload comes back as the text or table they meant, or as a refusal that says what to do."""

import io
import json
import zipfile
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models.documents import MAX_BYTES, Table, gate, read_table, read_text, table, text, text_column
from models.errors import BadInput, Cancelled
from models.task import Task

SIMPLIFIED = "骆驼是沙漠里的交通工具，可以很多天不喝水。"
TRADITIONAL = "駱駝是沙漠裡的交通工具，可以很多天不喝水。"
Saver = Callable[[str, str | bytes], Path]


@pytest.fixture
def save(tmp_path: Path) -> Saver:
    def write(name: str, content: str | bytes) -> Path:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


def refused(read: Callable[[Path, Task], object], path: Path) -> str:
    """The code of the refusal, after making sure that it can be said in both languages."""
    with pytest.raises(BadInput) as caught:
        read(path, Task())
    for lang, stop in (("zh", "。"), ("en", ".")):
        assert caught.value.message(lang).endswith(stop)
        assert caught.value.hint(lang).endswith(stop)
    return caught.value.code


def grid(path: Path) -> tuple[tuple[str, ...], list[tuple[str, ...]], bool]:
    found = read_table(path, Task())
    return found.columns, found.rows, found.header


def docx_bytes() -> bytes:
    from docx import Document
    from docx.oxml import parse_xml

    document = Document()
    document.add_paragraph("第一段\t有制表符。")
    rows = document.add_table(rows=2, cols=2).rows
    for row, cells in zip(rows, (("姓名", "年龄"), ("骆驼", "7")), strict=True):
        for cell, words in zip(row.cells, cells, strict=True):
            cell.text = words
    document.add_paragraph("第二段。")
    space = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
    run = "<w:r><w:t>{}</w:t></w:r>"
    control = f"<w:sdt {space}><w:sdtContent><w:p>{run.format('控件里的段落。')}</w:p></w:sdtContent></w:sdt>"
    change = f"<w:p {space}><w:ins>{run.format('新增')}</w:ins><w:del>{run.format('删除')}</w:del></w:p>"
    end = document.element.body[-1]
    for xml in (control, change):
        end.addprevious(parse_xml(xml))
    stream = io.BytesIO()
    document.save(stream)
    return stream.getvalue()


def xlsx_bytes(*sheets: list[list[object]]) -> bytes:
    from openpyxl import Workbook

    book = Workbook()
    book.remove(book.active)
    for rows in sheets:
        sheet = book.create_sheet()
        for row in rows:
            sheet.append(row)
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def pdf_bytes(*pages: list[str]) -> bytes:
    """A PDF by hand: codes are UTF-16, and a ToUnicode map tells the reader so."""
    cmap = "begincmap\n1 begincodespacerange <0000> <FFFF> endcodespacerange\n1 beginbfrange\n"
    cmap += "<0000> <FFFF> <0000>\nendbfrange\nendcmap"
    kids = " ".join(f"{6 + 2 * number} 0 R" for number in range(len(pages)))
    bodies = [
        "<</Type/Catalog/Pages 2 0 R>>",
        f"<</Type/Pages/Kids[{kids}]/Count {len(pages)}>>",
        "<</Type/Font/Subtype/Type0/BaseFont/F/Encoding/Identity-H/DescendantFonts[4 0 R]/ToUnicode 5 0 R>>",
        "<</Type/Font/Subtype/CIDFontType2/BaseFont/F>>",
        f"<</Length {len(cmap)}>>stream\n{cmap}\nendstream",
    ]
    for number, lines in enumerate(pages):
        shows = [f"<{line.encode('utf-16-be').hex()}> Tj 0 -20 Td" for line in lines]
        content = f"BT /F 12 Tf 50 700 Td {' '.join(shows)} ET"
        resources = f"/Resources<</Font<</F 3 0 R>>>>/Contents {7 + 2 * number} 0 R"
        bodies.append(f"<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]{resources}>>")
        bodies.append(f"<</Length {len(content)}>>stream\n{content}\nendstream")
    out, offsets = b"%PDF-1.4\n", []
    for number, body in enumerate(bodies, start=1):
        offsets.append(len(out))
        out += f"{number} 0 obj\n{body}\nendobj\n".encode()
    table_at = len(out)
    out += f"xref\n0 {len(bodies) + 1}\n0000000000 65535 f \n".encode()
    out += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    return out + f"trailer<</Size {len(bodies) + 1}/Root 1 0 R>>\nstartxref\n{table_at}\n%%EOF".encode()


def locked_pdf(user_password: str) -> bytes:
    from pypdf import PdfReader, PdfWriter

    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(pdf_bytes(["locked text"]))))
    writer.encrypt(user_password=user_password, owner_password="owner", algorithm="RC4-128")
    stream = io.BytesIO()
    writer.write(stream)
    return stream.getvalue()


# ---------------------------------------------------------------- encodings


@pytest.mark.parametrize("words", [SIMPLIFIED, TRADITIONAL, "摘要测试", "Ask 骆驼 about 100 km, ok?"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "gb18030", "gbk"])
def test_every_chinese_encoding_reads_back(save: Saver, encoding: str, words: str) -> None:
    assert read_text(save("a.txt", words.encode(encoding)), Task()) == words


@pytest.mark.parametrize("encoding", ["big5", "cp950", "big5hkscs"])
@pytest.mark.parametrize("words", [TRADITIONAL, "繁體中文", "今天天氣很好 OK\n我們去學校"])
def test_big5_reads_back(save: Saver, words: str, encoding: str) -> None:
    assert read_text(save("a.txt", words.encode(encoding)), Task()) == words


@pytest.mark.parametrize(
    ("words", "encoding"),
    [
        ("Plain English without a mark.", "utf-16-le"),
        ("Bush hid the facts", "ascii"),  # a famous false UTF-16
        ("三个婆子慌慌张张", "utf-16-le"),  # a true one, of ASCII bytes only
        ("Сегодня хорошая погода, пойдём гулять в парк.", "cp1251"),
        ("こんにちは、世界。今日はいい天気ですね。", "shift_jis"),
    ],
)
def test_other_encodings_read_back(save: Saver, words: str, encoding: str) -> None:
    assert read_text(save("a.txt", words.encode(encoding)), Task()) == words


_COMMON_WORDS = [
    "今天天气很好",
    "我们一起去学校",
    "这个问题怎么回答",
    "他说的话",
    "中国",
    "人工智能模型",
    "的",
    "，",
    "。",
]


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.one_of(st.sampled_from(_COMMON_WORDS), st.text(st.characters(min_codepoint=32, max_codepoint=126)))),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "gb18030"]),
)
def test_chinese_and_ascii_round_trip(save: Saver, parts: list[str], encoding: str) -> None:
    words = "小明喜欢在图书馆看书" + "\n".join(parts)
    assert read_text(save("a.txt", words.encode(encoding)), Task()) == words


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.binary(max_size=400), st.sampled_from(["a.txt", "a.docx", "a.pdf", "a.csv", "a.xlsx", "a.json", "a.jsonl", "a"])
)
def test_any_bytes_are_read_or_refused(save: Saver, data: bytes, name: str) -> None:
    for prefix in (b"", b"%PDF-1.4\n", b"PK\x03\x04", b'"a,'):
        for read in (read_text, read_table):
            try:
                read(save(name, prefix + data), Task())
            except BadInput as error:
                assert error.text("zh") and error.text("en")


def test_one_broken_byte_costs_one_character(save: Saver) -> None:
    assert read_text(save("a.txt", SIMPLIFIED.encode()[:-1]), Task()) == SIMPLIFIED[:-1] + "\ufffd"


def test_a_long_ascii_preface_does_not_hide_the_encoding(save: Saver) -> None:
    words = "x" * 200_001 + SIMPLIFIED
    assert read_text(save("a.txt", words.encode("gb18030")), Task()) == words


def test_newlines_and_control_characters(save: Saver) -> None:
    assert read_text(save("a.md", "一\r\n二\r三\x00\x07四\ufeff\u2028五\t六"), Task()) == "一\n二\n三四\n五\t六"


@pytest.mark.parametrize("data", [bytes(range(256)) * 40, b"\0" * 1000, b"\x00\x01\x02\x03abc" * 50])
def test_binary_is_refused(save: Saver, data: bytes) -> None:
    assert refused(read_text, save("a.txt", data)) == "file_encoding"


# ---------------------------------------------------------------- files of the wrong kind, size or name


@pytest.mark.parametrize(
    ("name", "code"),
    [("a.txt", "file_type"), ("a.docx", "file_type"), ("a.pdf", "file_type"), ("a.doc", "file_type")],
)
def test_content_that_belies_the_suffix(save: Saver, name: str, code: str) -> None:
    content = docx_bytes() if name == "a.pdf" else pdf_bytes(["text"])
    assert refused(read_text, save(name, content)) == code
    assert refused(read_text, save(name, xlsx_bytes([["a"]]))) == code
    assert refused(read_text, save(name, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(100))) == code


def test_tables_refuse_documents(save: Saver) -> None:
    assert refused(read_table, save("a.xlsx", docx_bytes())) == "file_type"
    assert refused(read_table, save("a.csv", xlsx_bytes([["a"]]))) == "file_type"
    assert refused(read_table, save("a.pdf", pdf_bytes(["text"]))) == "file_type"


@pytest.mark.parametrize("name", ["a.txt", "a.md", "a.docx", "a.pdf", "a.csv", "a.xlsx", "a.json", "a.jsonl"])
def test_empty_files(save: Saver, name: str) -> None:
    for read in (read_text, read_table):
        assert refused(read, save(name, b"")) == "file_empty"
    if name[2:] in ("txt", "md", "csv", "jsonl"):
        assert refused(read_table, save(name, " \r\n\u3000\n")) == "file_empty"


@pytest.mark.parametrize("name", ["a.docx", "a.pdf", "a.xlsx"])
def test_broken_files(save: Saver, name: str) -> None:
    whole = {"a.docx": docx_bytes, "a.pdf": lambda: b"%PDF-1.7\nrubbish", "a.xlsx": lambda: xlsx_bytes([["a"]])}[name]()
    read = read_table if name == "a.xlsx" else read_text
    assert refused(read, save(name, whole[: len(whole) // 2])) == "file_broken"
    assert refused(read, save(name, "no such format")) == "file_broken"


def test_damaged_member_of_a_zip(save: Saver) -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("[Content_Types].xml", "<Types")
        archive.writestr("word/document.xml", "<w:document")
        archive.writestr("xl/workbook.xml", "<workbook")
    assert refused(read_text, save("a.docx", stream.getvalue())) == "file_broken"
    assert refused(read_table, save("a.xlsx", stream.getvalue())) == "file_broken"


def test_zip_bomb(save: Saver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "MAX_UNPACKED", 2**20)
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("word/document.xml", bytes(2**20))
        archive.writestr("xl/workbook.xml", "x")
    assert len(stream.getvalue()) < 10_000
    assert refused(read_text, save("a.docx", stream.getvalue())) == "too_long"
    assert refused(read_table, save("a.xlsx", stream.getvalue())) == "too_long"


def test_office_files_behind_a_password(save: Saver) -> None:
    data = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(500) + "EncryptedPackage".encode("utf-16-le")
    assert refused(read_text, save("a.docx", data)) == "file_encrypted"
    assert refused(read_table, save("a.xlsx", data)) == "file_encrypted"


def test_too_many_bytes(save: Saver) -> None:
    path = save("a.txt", "")
    with path.open("wb") as stream:
        stream.truncate(MAX_BYTES + 1)
    assert refused(read_text, path) == refused(read_table, path) == "too_long"


def test_odd_names(save: Saver) -> None:
    name = "骆驼 #%&{}'\"<b>\u202e🐫 .TXT"
    assert read_text(save(name, SIMPLIFIED), Task()) == SIMPLIFIED
    with pytest.raises(BadInput) as caught:
        read_text(save(name, ""), Task())
    assert "{}" in caught.value.text("zh") and "\u202e" not in caught.value.text("zh")
    assert gate.shown(Path("folder") / ("长" * 60 + ".txt")) == "长" * 39 + "…"
    assert gate.shown(Path("\udcff.txt")) == "?.txt"
    assert read_text(save("README", SIMPLIFIED), Task()) == SIMPLIFIED


def test_stopping(save: Saver) -> None:
    files = {"a.docx": docx_bytes(), "a.pdf": pdf_bytes(["text"]), "a.txt": SIMPLIFIED.encode()}
    tables = {"a.xlsx": xlsx_bytes([["a"]]), "a.csv": b"a,b\n1,2", "a.jsonl": b'{"a": 1}'}
    for read, contents in ((read_text, files), (read_table, tables)):
        for name, content in contents.items():
            task = Task()
            task.stop()
            with pytest.raises(Cancelled):
                read(save(name, content), task)


# ---------------------------------------------------------------- docx and pdf


def test_docx_keeps_the_order_of_paragraphs_and_tables(save: Saver) -> None:
    lines = read_text(save("a.docx", docx_bytes()), Task()).split("\n")
    assert lines == ["第一段\t有制表符。", "姓名\t年龄", "骆驼\t7", "第二段。", "控件里的段落。", "新增"]


def test_pdf_page_by_page(save: Saver) -> None:
    task = Task()
    assert read_text(save("a.pdf", pdf_bytes(["First page."], ["第二页。", "\u2f64户"])), task) == (
        "First page.\n第二页。\n用户"  # the Kangxi radical has become the character
    )
    assert task.fraction == 0.5  # the last step said that one page of two was done


def test_pdf_lines_become_sentences_again(save: Saver) -> None:
    lines = ["骆驼的一生", "骆驼是沙漠里最重要的交通工具，它可以", "很多天不喝水。", "它也很温和。"]
    assert read_text(save("a.pdf", pdf_bytes(lines)), Task()) == (
        "骆驼的一生\n骆驼是沙漠里最重要的交通工具，它可以很多天不喝水。\n它也很温和。"
    )
    lines = ["A camel crosses the des-", "ert without a drop of", "water."]
    assert read_text(save("b.pdf", pdf_bytes(lines)), Task()) == "A camel crosses the desert without a drop of water."


def test_pdf_behind_a_password(save: Saver) -> None:
    assert refused(read_text, save("a.pdf", locked_pdf("secret"))) == "file_encrypted"
    assert read_text(save("b.pdf", locked_pdf("")), Task()) == "locked text"  # only printing is restricted


def test_pdf_without_text_or_with_too_many_pages(save: Saver, monkeypatch: pytest.MonkeyPatch) -> None:
    assert refused(read_text, save("a.pdf", pdf_bytes([], []))) == "file_scanned"
    monkeypatch.setattr(text, "MAX_PAGES", 1)
    assert refused(read_text, save("a.pdf", pdf_bytes(["one"], ["two"]))) == "too_long"


# ---------------------------------------------------------------- tables


def test_txt_is_one_row_a_line(save: Saver) -> None:
    path = save("a.txt", "今天天气很好\r\n\r\n 我,很高兴 \r\n")
    assert grid(path) == (("text",), [("今天天气很好",), ("我,很高兴",)], False)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "gb18030", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_csv_with_header_and_quoted_newlines(save: Saver, delimiter: str, encoding: str) -> None:
    rows = ["句子,标签", '"第一行\r\n第二行，""引""",正面', "他说，天气很好,负面"]
    path = save("a.csv", "\r\n".join(rows).replace(",", delimiter).encode(encoding))
    assert grid(path) == (("句子", "标签"), [('第一行\n第二行，"引"', "正面"), ("他说，天气很好", "负面")], True)


@pytest.mark.parametrize(
    ("content", "header"),
    [
        ("今天天气很好,正面\n我很难过,负面\n心情不错,正面", False),
        ("1,今天天气很好\n2,我很难过", False),
        ("苹果\n香蕉\n葡萄", False),
        ("只有一行,数据", False),
        ("好吃,正面\n这家酒店的服务真的非常糟糕以后不会再来,负面\n一般,正面", False),
        ("text\nHello there, world\nNice day", True),
        ("question,answer\nWho?,Me\nWhere?,There", True),
        ("城市,人口\n北京,2189\n上海,2487", True),
        ("review_cn,grp\n今天天气很好,x\n我很难过,y", True),
        ("网友发言,出自\n这家酒店的服务真的非常糟糕以后不会再来,x\n今天的天气真的很好适合一起出去玩,y", True),
    ],
)
def test_header_is_told_from_data(save: Saver, content: str, header: bool) -> None:
    columns, rows, found = grid(save("a.csv", content))
    assert found is header
    assert len(rows) == content.count("\n") + (not header)
    if not header:
        assert columns == tuple(str(number + 1) for number in range(len(rows[0])))


def test_ragged_rows_blank_and_repeated_names(save: Saver) -> None:
    path = save("a.csv", "text,,text,label\n你好吗\n\n我很好,1,2,3,4\n")
    columns, rows, header = grid(path)
    assert (columns, header) == (("text", "2", "text (3)", "label", "5"), True)
    assert rows == [("你好吗", "", "", "", ""), ("我很好", "1", "2", "3", "4")]


def test_commas_in_sentences_and_open_quotes(save: Saver) -> None:
    assert grid(save("a.csv", "text\nHello, world\nNice day"))[1] == [("Hello, world",), ("Nice day",)]
    assert grid(save("b.csv", 'name,size\n"A,5\nB,6'))[1] == [('"A', "5"), ("B", "6")]
    assert grid(save("c.tsv", "a, b\tc\nd\te"))[1] == [("a, b", "c"), ("d", "e")]


def test_xlsx_first_sheet_that_is_not_empty(save: Saver) -> None:
    rows = [["句子", "分数", "日期"], ["今天天气很好", 0.1 + 0.2, datetime(2023, 5, 1)], [], ["我很难过", True, None]]
    found = grid(save("a.xlsx", xlsx_bytes([], [[None, None]], rows, [["另一页"]])))
    assert found == (
        ("句子", "分数", "日期"),
        [("今天天气很好", "0.3", "2023-05-01"), ("我很难过", "TRUE", "")],
        True,
    )
    assert grid(save("b.xlsx", xlsx_bytes([[1, date(2023, 5, 1)], [2, None]])))[1] == [("1", "2023-05-01"), ("2", "")]
    assert refused(read_table, save("c.xlsx", xlsx_bytes([]))) == "file_empty"


def test_json_and_jsonl(save: Saver) -> None:
    items = [{"a": "骆驼", "n": 1.5}, {"a": None, "more": {"列表": [1, True]}}, "只有字"]
    expected = (
        ("a", "n", "more", "text"),
        [("骆驼", "1.5", "", ""), ("", "", '{"列表": [1, true]}', ""), ("", "", "", "只有字")],
        True,
    )
    lines = "\n".join(json.dumps(item) for item in items)
    assert grid(save("a.json", json.dumps(items, indent=2))) == expected
    assert grid(save("b.json", json.dumps({"version": 1, "data": items}))) == expected
    assert grid(save("c.jsonl", lines)) == grid(save("d.json", lines)) == expected
    assert grid(save("e.json", '["一", "\\ud800二"]')) == (("text",), [("一",), ("二",)], False)


@pytest.mark.parametrize(
    ("name", "content", "line"),
    [
        ("a.jsonl", '{"a": 1}\n\n{"a": }', 3),
        ("a.json", '[\n{"a": 1},\n{"a" 2}\n]', 3),
        ("a.json", '{"a": 1}\n{"a"', 2),
        ("a.jsonl", "[" * 100_000, 1),
    ],
)
def test_bad_json_names_the_line(save: Saver, name: str, content: str, line: int) -> None:
    with pytest.raises(BadInput) as caught:
        read_table(save(name, content), Task())
    assert (caught.value.code, caught.value.values["line"]) == ("file_line", line)


def test_too_many_rows_or_cells(save: Saver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table, "MAX_ROWS", 3)
    assert len(grid(save("a.csv", "text,label\n" + "a,1\n" * 3))[1]) == 3
    for name, content in (("a.csv", "a,1\n" * 4), ("a.txt", "a\n" * 5), ("a.json", "[1, 2, 3, 4, 5]")):
        assert refused(read_table, save(name, content)) == "too_long"
    monkeypatch.setattr(table, "MAX_CELLS", 10)
    assert refused(read_table, save("b.csv", "a,b,c,d,e\n1\n2")) == "too_long"  # 15 cells once padded
    assert refused(read_table, save("b.json", json.dumps([{str(n): n} for n in range(4)]))) == "too_long"


@pytest.mark.parametrize(
    ("rows", "column"),
    [
        ([("1", "今天天气很好", "正面"), ("2", "我很难过", "负面")], 1),
        (
            [
                ("https://example.org/a/very/long/link/1", "好天气"),
                ("https://example.org/a/very/long/link/2", "坏天气"),
            ],
            1,
        ),
        ([("the same long words in every row", "a cat"), ("the same long words in every row", "my dog")] * 5, 0),
        ([("the same words again", f"row number {word}") for word in ("one", "two", "three")], 1),
        ([("", "1")], 1),
    ],
)
def test_text_column(rows: list[tuple[str, ...]], column: int) -> None:
    assert text_column(Table(tuple(map(str, range(len(rows[0])))), rows, header=False)) == column


def test_tables_of_the_original_projects(data: Path) -> None:
    pairs = read_table(data / "embedding" / "luotuo" / "sentspair.csv", Task())
    assert (pairs.header, len(pairs.rows), len(pairs.columns)) == (False, 20, 2)
    prompts = read_table(data / "magic_book" / "AIPRM.xlsx", Task())
    assert (prompts.header, len(prompts.rows)) == (True, 26)
    abstracts = read_table(data / "summary" / "csl_ts" / "dev.tsv", Task())
    assert (abstracts.header, len(abstracts.rows), text_column(abstracts)) == (False, 1000, 1)

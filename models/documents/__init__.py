"""What visitors upload, turned into text or into a table. Knows file formats and encodings; knows nothing of what
the text is for, of gradio, or of any engine. Every refusal is a BadInput that says which file and what to do.
"""

from models.documents.gate import MAX_BYTES, MAX_UNPACKED
from models.documents.table import MAX_CELLS, MAX_ROWS, Table, read_table, text_column
from models.documents.text import MAX_PAGES, read_text

__all__ = [
    "MAX_BYTES",
    "MAX_CELLS",
    "MAX_PAGES",
    "MAX_ROWS",
    "MAX_UNPACKED",
    "Table",
    "read_table",
    "read_text",
    "text_column",
]

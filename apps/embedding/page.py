"""The map as one HTML file that needs nothing else: points, texts, scripts and style inside, readable for years.

The data stands in a JSON island, where no text can become markup. Knows the atlas and assets/embedding; no Gradio.
"""

import json
from html import escape

from apps.embedding.atlas import Atlas
from apps.embedding.payload import Payload, clipped, points, tip
from models.assets import read
from models.strings import language, say

PARTS = ("camera", "painter", "overlay", "tools", "picture", "scatter", "page")  # in the order in which they run
_TEXT = 200  # characters of each text


def page(atlas: Atlas, colour: Payload, lang: str) -> str:
    """The whole document."""
    rows = range(len(atlas.corpus.texts))
    notes = [(tip(atlas, row, lang) or {"note": ""})["note"] for row in rows]
    data = {
        "value": points(atlas, lang), "colour": colour, "notes": notes,
        "texts": [clipped(text, _TEXT) for text in atlas.corpus.texts],
    }  # fmt: skip
    island = json.dumps(data, ensure_ascii=False).replace("<", "\\u003c")
    scripts = "\n".join(read("embedding", f"{part}.js") for part in PARTS)
    title = escape(say("embedding.page_title", lang, texts=len(rows), clusters=len(atlas.names)))
    found = escape(say("embedding.query", lang), quote=True)
    return (
        f'<!doctype html>\n<html lang="{language(lang)}"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><title>{title}</title>'
        f"<style>{read('embedding', 'scatter.css')}</style></head><body class='map-page'><h1>{title}</h1>"
        f'<input id="map-find" type="search" aria-label="{found}" placeholder="{found}">'
        f'<div class="luotuo-map"></div><ol id="map-chosen"></ol>'
        f'<script type="application/json" id="map-data">{island}</script><script>{scripts}</script></body></html>\n'
    )

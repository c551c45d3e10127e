"""Quality of the embedded summaries, headlines and key phrases: `python -m benchmarks.quality_summary [limit]`.

Headline and key phrase weights were fitted to the CSL part that is measured here, so those rows are 5-fold
cross-validated: no abstract is judged by weights that have seen it. The summary scorer has no fitted weights.
"""

import json
import multiprocessing
import re
import resource
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np

from benchmarks import train_headline, train_keyphrases
from benchmarks.quality import DATA, Row
from benchmarks.rouge import rouge
from models.embedded.keyphrases import distinct
from models.embedded.summary import EmbeddedSummarizer
from models.embedded.text import sentences, tagged
from models.engine import Summary, SummaryOptions
from models.task import Task

FOLDS = 5
_MEASURES = ("R1", "R2", "RL")


def measure(data: Path, limit: int | None) -> list[Row]:
    """All figures; `limit` bounds the texts of each set. Rows whose data is not there are left out."""
    tagged("骆驼")  # so that no figure holds the time it takes to load the dictionary
    rows: list[Row] = []
    if (data / "summary" / "csl_ts" / "dev.tsv").exists():
        pairs = train_headline.titles(data)[:limit]
        rows += [*_titles(pairs), *_phrases(pairs)]
    meetings = data / "summary" / "vcsum" / "short_dev.txt"
    if meetings.exists():
        rows += _meetings([json.loads(line) for line in meetings.read_text(encoding="utf-8").splitlines()][:limit])
    novel = data / "long" / "红楼梦.txt"
    if novel.exists():
        # In a process of its own, because the peak of this one is that of the rows above.
        with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as fresh:
            rows += fresh.submit(_novel, novel).result()
    return rows


def _summarize(text: str, options: SummaryOptions) -> Summary:
    return EmbeddedSummarizer().summarize(text, options, Task())


def _timed(run: Callable[[], object], texts: int) -> float:
    """CPU ms a text."""
    start = time.process_time()
    run()
    return (time.process_time() - start) / max(1, texts) * 1000


def _titles(pairs: Sequence[tuple[str, str]]) -> list[Row]:
    scores = train_headline.cross_validated(train_headline.examples(list(pairs)), FOLDS)
    lead = np.array([rouge(sentences(text)[0].text, title) for text, title in pairs])
    some = [text for text, _ in pairs[:100]]
    cost = _timed(lambda: [_summarize(text, SummaryOptions()) for text in some], len(some))
    note = f"{len(pairs)} abstracts, {FOLDS}-fold cross-validated"
    return [
        *_rouge_rows("CSL title", (45.0, 33.0, 41.0), scores, note),
        *_rouge_rows("CSL title, lead-1", (None,) * 3, lead, "first sentence, for comparison"),
        Row("CSL whole summary, CPU ms a text", None, cost, "sentences, headline and key phrases"),
    ]


def _phrases(pairs: Sequence[tuple[str, str]]) -> list[Row]:
    given = train_keyphrases.examples(list(pairs))
    scores = []
    for fold in range(FOLDS):
        weights, bias = train_keyphrases.fit([each for at, each in enumerate(given) if at % FOLDS != fold])
        for offered, table, gold in given[fold::FOLDS]:
            value = {
                phrase.text: bias + sum(weights.get(name, 0.0) * x for name, x in row.items())
                for phrase, row in zip(offered, table, strict=True)
            }
            ranked = sorted(offered, key=lambda phrase, value=value: -value[phrase.text])
            if gold:
                scores.append(_f1({phrase.text for phrase in distinct(ranked, 5)}, gold))
    note = (
        "PROXY: no author keywords in the data, so the floor of 17 cannot be checked here; gold = parts of the title "
        f"between function words, 1.8 a text, {len(scores)} texts, {FOLDS}-fold cross-validated"
    )
    return [Row("CSL title parts by key phrases, F1@5", None, 100 * float(np.mean(scores)), note)]


def _f1(made: set[str], gold: set[str]) -> float:
    hits = len(made & gold)
    return 2 * hits / (len(made) + len(gold)) if hits else 0.0


def _meetings(segments: list[dict]) -> list[Row]:
    texts = ["\n".join("".join(turn) for turn in segment["context"]) for segment in segments]
    made: list[Summary] = []
    options = SummaryOptions(size=150, unit="characters")
    cost = _timed(lambda: made.extend(_summarize(text, options) for text in texts), len(texts))
    gold = [segment["discussion"] for segment in segments]
    scores = np.array([rouge(summary.text, right) for summary, right in zip(made, gold, strict=True)])
    lead = np.array([rouge(text[:150], right) for text, right in zip(texts, gold, strict=True)])
    heads = np.array([rouge(s.headline, segment["agenda"]) for s, segment in zip(made, segments, strict=True)])
    longest = max(len(summary.text) for summary in made)
    return [
        *_rouge_rows("VCSum segment", (34.0, 13.6, 20.0), scores, f"{len(texts)} segments, ≤ {longest} characters"),
        *_rouge_rows("VCSum segment, lead", (None,) * 3, lead, "first 150 characters, for comparison"),
        *_rouge_rows("VCSum agenda by headline", (None,) * 3, heads, "abstractive gold, for information"),
        Row("VCSum CPU ms a segment", None, cost, f"{np.mean([len(text) for text in texts]):.0f} characters"),
    ]


def _novel(path: Path) -> list[Row]:
    text = path.read_text(encoding="utf-8")
    _summarize("骆驼会说话。", SummaryOptions())  # loads the dictionary and the weights
    before = _peak()
    cost = _timed(lambda: _summarize(text, SummaryOptions(size=10)), 1) / 1000
    return [
        Row("红楼梦 CPU seconds", 8.0, cost, f"{len(text):,} characters to 10 sentences", ceiling=True),
        Row("红楼梦 MiB above baseline", 300.0, _peak() - before, "peak resident size", ceiling=True),
    ]


def _peak() -> float:
    """MiB; from /proc where there is one, because the other figure is inherited from the parent process."""
    status = Path("/proc/self/status")
    found = re.search(r"VmHWM:\s*(\d+)", status.read_text()) if status.exists() else None
    return (int(found[1]) if found else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss) / 1024


def _rouge_rows(name: str, floors: Sequence[float | None], scores: np.ndarray, note: str) -> list[Row]:
    means = (100 * scores.mean(axis=0)).tolist()
    return [Row(f"{name} {m}", f, v, note) for m, f, v in zip(_MEASURES, floors, means, strict=True)]


if __name__ == "__main__":
    for row in measure(DATA, int(sys.argv[1]) if len(sys.argv) > 1 else None):
        floor = "" if row.floor is None else f"≥ {row.floor}"
        print(f"{row.name:42} {row.value:8.1f} {floor:8} {row.note}")

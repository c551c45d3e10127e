"""The embedding tab below its page: lines, maps, clusters, search, figure, csv; no Gradio needed except for `work`."""

import csv
import io
import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.embedding import Atlas, Options, atlases, read_lines, search
from apps.embedding import layout as layouts
from apps.embedding.corpus import as_lines
from apps.embedding.figure import figure, wrapped
from apps.embedding.find import comparable, spans, terms
from apps.embedding.stage import Stage
from apps.embedding.tsne import exact_repulsion, grid_repulsion
from apps.embedding.words import as_csv, facts, hit_list, table
from models.assets import read
from models.documents import Table
from models.errors import BadInput, Cancelled
from models.task import Task

pytestmark = pytest.mark.filterwarnings("ignore::ImportWarning")  # umap-learn says that Tensorflow is not here
EXAMPLES = json.loads(read("examples", "embedding.json"))
EVIL = "<b onclick=alert(1)>骆驼</b><script>x</script> %{x} & <a href='javascript:1'>点</a>"


def mapped(text: str, **options: object) -> Atlas:
    """The finished map of a text box."""
    *_, last = atlases(read_lines(text), Options(**options), Task())
    return last


@pytest.fixture(scope="module")
def themes() -> Atlas:
    """The first example by PCA."""
    return mapped("\n".join(next(iter(EXAMPLES.values()))), method="pca")


def test_lines_not_characters_and_nothing_is_lost_silently() -> None:
    corpus = read_lines("听雷声 滚滚\n\n骆驼\r\n骆驼\n  \n沙漠\n")
    assert corpus.texts == ("听雷声 滚滚", "骆驼", "沙漠")
    assert (corpus.counts, corpus.lines) == ((1, 2, 1), (1, 3, 6))
    assert (corpus.empty, corpus.repeated) == (2, 1)


def test_labels_follow_a_tab_only_if_nearly_all_lines_have_one() -> None:
    assert read_lines("a\t甲\nb\t乙\nc").labels == ("", "", "")
    assert read_lines("a\t甲\nb\t乙\nc\t\nd\t").labels == ("甲", "乙", "", "")
    assert read_lines("\ta\n\tb").texts == ("a", "b")


@pytest.mark.parametrize("text", ["", "  \n\t\n", "——\n！！！"])
def test_nothing_to_map_is_said(text: str) -> None:
    with pytest.raises(BadInput):
        mapped(text, method="pca")


def test_a_column_with_labels_becomes_lines() -> None:
    given_table = Table(("文", "类"), [("第一\n行", "甲"), ("二\t列", ""), ("", "丙")], header=True)
    assert as_lines(given_table, 0, None) == "第一 行\n二 列\n"
    assert read_lines(as_lines(given_table, 0, 1)).labels == ("甲", "—")


@pytest.mark.parametrize("method", ["umap", "pca", "tsne"])
@pytest.mark.parametrize("n", [1, 2, 3, 5, 10])
def test_few_texts_make_a_map(method: str, n: int) -> None:
    atlas = mapped("\n".join(EXAMPLES[next(iter(EXAMPLES))][:n]), method=method)
    assert atlas.positions.shape == (n, 2)
    assert np.isfinite(atlas.positions).all()
    assert atlas.too_few == (n < layouts.FEWEST[method])
    assert len(figure(atlas).data) == len(atlas.names)


@pytest.mark.parametrize("method", ["umap", "tsne"])
def test_the_same_seed_gives_the_same_map(method: str) -> None:
    text = "\n".join(EXAMPLES[next(iter(EXAMPLES))])
    one, two, other = (mapped(text, method=method, seed=seed) for seed in (1, 1, 2))
    assert (one.positions == two.positions).all()
    assert (one.labels == two.labels).all()
    assert (one.positions != other.positions).any()


def test_clusters_follow_the_themes(themes: Atlas) -> None:
    from sklearn.metrics import adjusted_rand_score

    assert 3 <= len(themes.names) <= 6
    assert adjusted_rand_score(themes.corpus.labels, themes.labels) > 0.5
    assert all(themes.names)
    assert list(np.bincount(themes.labels)) == sorted(np.bincount(themes.labels), reverse=True)


@pytest.mark.parametrize("count", [1, 3, 24])
def test_the_number_of_clusters_is_obeyed_as_far_as_texts_allow(count: int) -> None:
    atlas = mapped("骆驼在沙漠里\n骆驼在沙漠里走\n电脑坏了\n电脑又坏了\n下雨了", method="pca", clusters=count)
    assert min(count, 3) <= len(atlas.names) <= min(count, 5)


def test_nearly_equal_texts_do_not_break_the_clusters() -> None:
    atlas = mapped("\n".join(f"骆驼{'！' * n}" for n in range(12)), method="umap", clusters=5)
    assert len(atlas.names) == 1


def test_search_marks_what_it_found(themes: Atlas) -> None:
    hits = search(themes, "沙漠裡的駱駝", 5, Task())  # traditional characters find simplified ones
    best = themes.corpus.texts[hits[0].row]
    assert "沙漠" in best
    assert {best[low:high] for low, high in hits[0].spans} == {"沙漠", "骆驼"}
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
    assert search(themes, "量子色动力学", 5, Task()) == []
    with pytest.raises(BadInput):
        search(themes, "  ", 5, Task())


@given(st.text(max_size=60), st.text(min_size=1, max_size=10))
@settings(max_examples=60, deadline=None)
def test_spans_are_sorted_apart_and_inside(text: str, query: str) -> None:
    found = spans(comparable(text), terms(query))
    assert len(comparable(text)) == len(text)
    assert all(0 <= low < high <= len(text) for low, high in found)
    assert all(one[1] <= two[0] for one, two in zip(found, found[1:], strict=False))


def test_markup_in_texts_stays_text() -> None:
    atlas = mapped(f"{EVIL}\t{EVIL}\n骆驼在沙漠\t<i>标签\n沙漠里的骆驼\t甲", method="pca")
    hits = search(atlas, "骆驼 <script>", 9, Task())
    for markup in (facts(atlas), table(atlas), hit_list(atlas, hits)):
        assert "<script" not in markup
        assert "<b onclick" not in markup
    for colour in ("cluster", "label"):
        drawn = figure(atlas, hits=[0], colour=colour).to_json().replace("\\u003c", "<")
        assert "<script" not in drawn
        assert "<b " not in drawn
        assert "<a " not in drawn


def test_hits_are_lit_and_the_rest_is_pale(themes: Atlas) -> None:
    plain, lit = figure(themes), figure(themes, hits=[3, 5])
    assert len(lit.data) == len(plain.data) + 1
    assert len(lit.data[-1].x) == 2
    assert all(trace.selectedpoints == () for trace in lit.data[:-1])
    assert plain.layout.uirevision == lit.layout.uirevision


def test_the_csv_reads_back_and_holds_no_formula() -> None:
    atlas = mapped('=1+1 骆驼\n"引号", 逗号\n骆驼\n骆驼', method="pca")
    rows = list(csv.DictReader(io.StringIO(as_csv(atlas))))
    assert [row["text"] for row in rows] == ["'=1+1 骆驼", '"引号", 逗号', "骆驼"]
    assert [row["count"] for row in rows] == ["1", "1", "2"]


def test_wrapped_lines_are_bounded_and_complete() -> None:
    lines = wrapped("骆驼camel" * 30, 20)
    assert "".join(lines) == "骆驼camel" * 30
    assert max(sum(2 if ord(char) > 0x2E7F else 1 for char in line) for line in lines) <= 20


def test_grid_repulsion_is_close_to_the_exact_one() -> None:
    positions = np.random.default_rng(0).normal(size=(500, 2)) * 8
    exact, grid = exact_repulsion(positions), grid_repulsion(positions)
    assert np.abs(grid - exact).max() < 0.04 * np.abs(exact).max()


@pytest.mark.parametrize("method", ["umap", "tsne"])
def test_stop_ends_the_layout_at_once(method: str) -> None:
    vectors = np.random.default_rng(0).normal(size=(1_500, 20)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    task = Stopping(0.3)
    with pytest.raises(Cancelled):
        layouts.arrange(vectors, method, count=15, perplexity=30, seed=0, task=task)
    assert time.monotonic() - task.stopped_at < 1.0
    assert _progress_bars_still_work(), "a lock of the whole process is still held"


def _progress_bars_still_work() -> bool:
    """Whether another thread can get the lock that every progress bar of the process writes under."""
    from tqdm import tqdm

    def free() -> bool:
        lock = tqdm.get_lock().th_lock
        if not lock.acquire(timeout=2.0):
            return False
        lock.release()
        return True

    with ThreadPoolExecutor(1) as apart:
        return apart.submit(free).result()


class Stopping(Task):
    """Is stopped as soon as it is this far."""

    def __init__(self, at: float) -> None:
        super().__init__()
        self.at, self.stopped_at = at, 0.0

    def step(self, fraction: float, note: str = "") -> None:
        super().step(fraction, note)
        if self.fraction >= self.at:
            self.stopped_at = time.monotonic()
            self.stop()


def test_a_stage_is_a_stretch_of_the_whole() -> None:
    whole = Task()
    stage = Stage(whole, 0.2, 0.4, "embedding.vectors")
    stage.step(0.5, "somebody.else")
    assert (round(whole.fraction, 3), whole.note) == (0.3, "embedding.vectors")
    whole.stop()
    with pytest.raises(Cancelled):
        stage.check()


def test_work_may_bring_values_one_by_one() -> None:
    from apps.work import streamed

    go = threading.Event()

    def work(task: Task, lang: str) -> object:
        yield "first", 1
        go.wait(5)
        yield "last", 2

    seen = []
    for *_, word, number in streamed(work, 2)("zh"):
        seen += [(word, number)] if isinstance(word, str) else []
        if seen:
            go.set()
    assert seen == [("first", 1), ("last", 2)]


def test_the_umap_graph_is_symmetric_and_gives_every_text_its_neighbours() -> None:
    vectors = np.random.default_rng(0).normal(size=(200, 10)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    graph = layouts.fuzzy_graph(*layouts.neighbours(vectors, 16, Task())).tocsr()
    assert abs(graph - graph.T).max() < 1e-12
    assert 0 < graph.data.min() <= graph.data.max() <= 1
    given = 1 - (1 - graph.toarray()).clip(0)  # a + b − ab ≥ max(a, b), so the sums can only be larger
    assert (given.sum(axis=1) >= 4 - 1e-6).all()

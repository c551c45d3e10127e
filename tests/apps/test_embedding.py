"""The embedding tab's maps below its page: lines, layouts, clusters and their names; no Gradio needed."""

import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from apps.embedding import Atlas, Options, atlases, read_lines
from apps.embedding import layout as layouts
from apps.embedding.atlas import outliers, regroup, relayout
from apps.embedding.clusters import agreement, hdbscan, near_duplicates
from apps.embedding.clusters.spoken import cleaned, spoken_names
from apps.embedding.layout.tsne import exact_repulsion, grid_repulsion
from apps.embedding.layout.umap import fuzzy_graph
from apps.embedding.stage import Stage
from apps.embedding.vectors import Vectors
from models.assets import read
from models.errors import BadInput, Cancelled
from models.spec import Origin
from models.task import Task
from tests.fakes import FakeVoice, lent

pytestmark = pytest.mark.filterwarnings("ignore::ImportWarning")  # umap-learn says that Tensorflow is not here
EXAMPLES = json.loads(read("examples", "embedding.json"))
THEMES = next(iter(EXAMPLES.values()))
EVIL = "<b onclick=alert(1)>骆驼</b><script>x</script> %{x} & <a href='javascript:1'>点</a>"


def mapped(text: str, **options: object) -> Atlas:
    """The finished map of a text box."""
    *_, last = atlases(read_lines(text), Options(**options), Task())
    return last


def unit(rows: np.ndarray) -> np.ndarray:
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def given(rows: np.ndarray) -> Vectors:
    """Rows as if they came from a file."""
    return Vectors(unit(rows), "", "uploaded", "test", Origin("neural", "uploaded", "uploaded"))


@pytest.fixture(scope="module")
def themes() -> Atlas:
    """The first example by PCA."""
    return mapped("\n".join(THEMES), method="pca")


def test_lines_not_characters_and_nothing_is_lost_silently() -> None:
    corpus = read_lines("听雷声 滚滚\n\n骆驼\r\n骆驼\n  \n沙漠\n")
    assert corpus.texts == ("听雷声 滚滚", "骆驼", "沙漠")
    assert (corpus.counts, corpus.lines) == ((1, 2, 1), (1, 3, 6))
    assert (corpus.empty, corpus.repeated, corpus.total) == (2, 1, 6)


def test_labels_follow_a_tab_only_if_nearly_all_lines_have_one() -> None:
    assert read_lines("a\t甲\nb\t乙\nc").labels == ("", "", "")
    assert read_lines("a\t甲\nb\t乙\nc\t\nd\t").labels == ("甲", "乙", "", "")
    assert read_lines("\ta\n\tb").texts == ("a", "b")


@pytest.mark.parametrize("text", ["", "  \n\t\n", "——\n！！！"])
def test_nothing_to_map_is_said(text: str) -> None:
    with pytest.raises(BadInput):
        mapped(text, method="pca")


@pytest.mark.parametrize("method", ["umap", "pca", "tsne"])
@pytest.mark.parametrize("n", [1, 2, 3, 5, 10])
@pytest.mark.parametrize("dimensions", [2, 3])
def test_few_texts_make_a_map(method: str, n: int, dimensions: int) -> None:
    atlas = mapped("\n".join(THEMES[:n]), method=method, dimensions=dimensions)
    assert atlas.positions.shape == (n, dimensions)
    assert np.isfinite(atlas.positions).all()
    assert np.abs(atlas.positions).max() <= 1 + 1e-6
    assert atlas.too_few == (n < layouts.FEWEST[method])
    assert atlas.finished


@pytest.mark.parametrize("labels", [(55, 5), (5, 55)])
def test_unequal_labels_and_any_number_of_clusters_make_a_map(labels: tuple[int, int]) -> None:
    lines = [f"骆驼走过第{n}片沙漠\t甲" for n in range(labels[0])] + [f"电脑修了{n}次\t乙" for n in range(labels[1])]
    atlas = mapped("\n".join(lines), method="pca", clusters=4)
    assert len(atlas.names) == 4
    assert np.bincount(atlas.labels).sum() == 60


def test_the_first_map_is_there_before_umap_is_needed(themes: Atlas) -> None:
    first = next(iter(atlases(themes.corpus, Options(method="umap"), Task())))
    assert (first.method, first.finished) == ("pca", False)
    assert (first.positions == themes.positions).all()


@pytest.mark.parametrize("method", ["umap", "tsne"])
def test_the_same_seed_gives_the_same_map(method: str) -> None:
    text = "\n".join(THEMES)
    one, two, other = (mapped(text, method=method, seed=seed) for seed in (1, 1, 2))
    assert (one.positions == two.positions).all()
    assert (one.labels == two.labels).all()
    assert (one.positions != other.positions).any()


def test_other_parameters_need_no_new_vectors(themes: Atlas, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("apps.embedding.atlas.embed", None)
    wide = relayout(themes, Options(method="umap", neighbours=30, min_dist=0.8), Task())
    near = relayout(wide, Options(method="umap", neighbours=5, min_dist=0.0), Task())
    assert (wide.positions != near.positions).any()
    assert wide.vectors is themes.vectors
    assert near.names == themes.names
    three = regroup(themes, Options(grouping="kmeans", clusters=3), Task())
    assert (len(three.names), three.positions is themes.positions) == (3, True)


def test_clusters_follow_the_themes(themes: Atlas) -> None:
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


@pytest.mark.parametrize("dimensions", [2, 3])
def test_hdbscan_finds_islands_and_calls_the_rest_noise(dimensions: int) -> None:
    random = np.random.default_rng(0)
    islands = [random.normal(centre, 0.02, (80, dimensions)) for centre in (-0.8, 0.0, 0.8)]
    points = np.concatenate([*islands, random.uniform(-1, 1, (20, dimensions)), np.zeros((30, dimensions))])
    found = hdbscan(points.astype(np.float32), 0, 42, Task())
    assert found.max() >= 2
    assert len(set(found[[0, 80, 160]].tolist())) == 3
    assert (found[240:260] < 0).sum() >= 5
    assert len(set(found[260:].tolist())) == 1  # points on one spot stay together


def test_a_map_by_hdbscan_has_noise_without_a_name() -> None:
    atlas = mapped("\n".join(THEMES), method="umap", grouping="hdbscan")
    assert atlas.name(-1) == ""
    assert len(atlas.typical) == len(atlas.names) == atlas.labels.max() + 1


def test_outliers_and_agreement(themes: Atlas) -> None:
    odd = mapped("\n".join([*THEMES, "quantum chromodynamics"]), method="pca")
    assert odd.corpus.texts[outliers(odd, 1, Task())[0][0]] == "quantum chromodynamics"
    found = agreement(themes.corpus.labels, themes.labels)
    assert found.counts.sum() == found.texts == len(themes.labels)
    assert agreement(("甲", "乙", ""), np.array([1, 0, 0])).ari == 1.0
    with pytest.raises(BadInput):
        agreement(("", ""), np.array([0, 1]))


@pytest.mark.parametrize("sparse", [True, False])
def test_near_duplicates_are_those_of_a_full_comparison(sparse: bool) -> None:
    from scipy.sparse import csr_matrix

    random = np.random.default_rng(1)
    base = random.normal(size=(60, 40)) * (random.random((60, 40)) < (0.2 if sparse else 1))
    rows = np.concatenate([base, base[:20] + 0.05 * (base[:20] != 0)]) + 1e-9
    rows = unit(np.where(np.abs(rows) < 1e-6, 0, rows) if sparse else rows)
    rows = rows[np.isfinite(rows).all(axis=1)]
    vectors = Vectors(csr_matrix(rows) if sparse else rows, "", "uploaded", "t", Origin("neural"))
    found = {pair for group in near_duplicates(vectors, 0.9, Task()) for pair in zip(group, group[1:], strict=False)}
    linked = np.argwhere(np.triu(rows @ rows.T, 1) >= 0.9)
    assert len(linked) >= 15
    assert {row for pair in found for row in pair} == set(linked.ravel().tolist())


def test_names_by_a_voice_keep_the_phrases_where_it_says_nothing(
    themes: Atlas, monkeypatch: pytest.MonkeyPatch
) -> None:
    voice = FakeVoice("<think>想一想</think>\n名称：“沙漠与骆驼”。\n因为……", "……", engine="namer")
    monkeypatch.setattr("models.voice", lent(voice))
    named = spoken_names(themes, "namer", Task())
    assert named.names[0] == ("沙漠与骆驼",)
    assert named.names[1:] == themes.names[1:]
    assert named.named_by == voice.origin
    assert all(themes.corpus.texts[row][:20] in voice.prompts[0] for row in themes.typical[0])
    assert cleaned("x" * 99) == "x" * 24
    with pytest.raises(BadInput):
        spoken_names(themes, "", Task())


def test_grid_repulsion_is_close_to_the_exact_one() -> None:
    positions = np.random.default_rng(0).normal(size=(500, 2)) * 8
    exact, grid = exact_repulsion(positions), grid_repulsion(positions)
    assert np.abs(grid - exact).max() < 0.04 * np.abs(exact).max()


@pytest.mark.parametrize("method", ["umap", "tsne"])
def test_stop_ends_the_layout_at_once(method: str) -> None:
    vectors = unit(np.random.default_rng(0).normal(size=(1_500, 20)))
    shape = layouts.Shape(method=method)
    near = layouts.neighbours(vectors, layouts.needed(shape, len(vectors)), Task())
    task = Stopping(0.3)
    with pytest.raises(Cancelled):
        layouts.arrange(vectors, near, shape, task)
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
        stage.aside().check()


def test_work_may_bring_values_one_by_one() -> None:
    from apps.work import streamed

    go = threading.Event()

    def work(task: Task, lang: str) -> Iterator[tuple[str, int]]:
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
    vectors = unit(np.random.default_rng(0).normal(size=(200, 10)))
    graph = fuzzy_graph(layouts.neighbours(vectors, 16, Task())).tocsr()
    assert abs(graph - graph.T).max() < 1e-12
    assert graph.data.min() > 0
    assert graph.data.max() <= 1
    sums = 1 - (1 - graph.toarray()).clip(0)  # a + b − ab ≥ max(a, b), so the sums can only be larger
    assert (sums.sum(axis=1) >= 4 - 1e-6).all()


def test_neighbours_are_those_of_a_full_sort() -> None:
    vectors = unit(np.random.default_rng(2).normal(size=(300, 8)))
    found = layouts.neighbours(vectors, 10, Task())
    full = np.sort(1 - vectors @ vectors.T, axis=1)[:, :10]
    assert np.abs(found.distances - full.clip(0)).max() < 1e-5
    assert (found.rows[:, 0] == np.arange(300)).all()

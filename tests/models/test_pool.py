"""The pool with engines that a person can check in the head: who waits, who loads, who leaves, and in which order.

Real threads and locks, no weights: `Shelf` stands for the loaders and keeps its own books.
"""

import gc
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from models.device import Choice, Reason
from models.errors import BadInput, Busy, Cancelled, DoesNotFit, ModelUnavailable, UnknownModel
from models.modelspec import AdapterSpec, ModelSpec
from models.plan import Misfit, Part, Plan
from models.pool import ModelPool
from models.rows import Catalogue
from models.schedule import Policy
from models.spec import Precision
from models.task import Task

PATIENCE_S = 20.0
BYTES = {"a": (6, 4), "b": (5, 3), "c": (9, 7), "huge": (40, 30), "qwen2.5-0.5b": (2, 1)}  # int8, nf4


@dataclass
class Engine:
    """A model that knows whether it is still there."""

    part: Part
    shelf: "Shelf"
    n_bytes: int
    alive: bool = True
    adapters: dict[str, Any] = field(default_factory=dict)

    def use(self) -> None:
        assert self.alive, f"{self.part} is used after it was unloaded"

    def add_adapter(self, key: str, folder: Path, *, form: str | None = None) -> Any:
        self.adapters[key] = AdapterSpec(
            key=key, title=key, base="a", repo="r", revision="1", licence="x", n_bytes=1, good_for=("respond",)
        )
        return self.adapters[key]

    def remove_adapter(self, key: str) -> None:
        del self.adapters[key]

    def unload(self) -> bool:
        self.alive = False
        self.shelf.gone.append(self.part)
        return self.shelf.lets_go


@dataclass
class Shelf:
    """Implements models.opening.Opener: loads at once unless told to wait or to fail."""

    gate: threading.Event = field(default_factory=threading.Event)
    fails: dict[str, list[Exception]] = field(default_factory=dict)
    opened: list[Part] = field(default_factory=list)
    gone: list[Part] = field(default_factory=list)
    fetched: list[str] = field(default_factory=list)
    here: set[str] = field(default_factory=lambda: set(BYTES))
    lets_go: bool = True
    relieve: dict[str, Callable[[], None]] = field(default_factory=dict)

    def ready(self, spec: ModelSpec) -> ModelSpec:
        return replace(spec, folder=Path("/nowhere")) if spec.key in self.here else spec

    def fetch(self, spec: Any, task: Task) -> Path:
        self.fetched.append(spec.key)
        return Path("/nowhere")

    def sizes(self, spec: ModelSpec, choice: Choice) -> dict[Precision, int]:
        return dict(zip(choice.ladder, BYTES[spec.key], strict=True))

    def open(
        self, spec: ModelSpec, precision: Precision, choice: Choice, task: Task, relieve: Callable[[], None]
    ) -> tuple[Any, int]:
        part = Part(spec.key, precision.value)
        self.opened.append(part)
        self.relieve[spec.key] = relieve
        while not self.gate.is_set():
            task.step(0.5, "model.loading")
            time.sleep(0.005)
        if self.fails.get(spec.key):
            raise self.fails[spec.key].pop(0)
        n_bytes = self.sizes(spec, choice)[precision]
        return Engine(part, self, n_bytes), n_bytes


def row(key: str, **more: Any) -> ModelSpec:
    fields = {"title": key.upper(), "repo": f"o/{key}", "revision": "1", "licence": "x", "architecture": "llama"}
    n_bytes = {Precision.INT8: BYTES[key][0], Precision.NF4: BYTES[key][1]}
    return ModelSpec(
        key=key, **fields, n_bytes=n_bytes, kv_bytes_per_token=0, context=100, good_for=("respond",), **more
    )


VOICE = AdapterSpec(
    key="voice", title="Voice", base="a", repo="o/voice", revision="1", licence="x", n_bytes=1, good_for=("respond",)
)


def machine(budget: int) -> Choice:
    ladder = (Precision.INT8, Precision.NF4)
    return Choice(
        "cpu", "float32", Precision.INT8, ladder, budget, Reason("device.cpu_fp32"), Reason("device.budget_free")
    )


class Hall:
    """A pool of ten bytes over a shelf; `free` is what the machine says is left when nothing is loaded."""

    def __init__(self, **policy: Any) -> None:
        self.shelf, self.free = Shelf(), 10
        self.shelf.gate.set()
        rows = Catalogue({key: row(key) for key in BYTES}, {"voice": VOICE}, {})
        policy = {"slice_floor_s": 0.01, "slice_loads": 0.0, "backoff_s": 0.2, **policy}
        self.pool = ModelPool(rows, self.shelf, lambda role: machine(self.free - self._held()), policy=Policy(**policy))

    def _held(self) -> int:
        return sum(row.n_bytes for row in self.rows().values()) if hasattr(self, "pool") else 0

    def rows(self) -> dict[Part, Any]:
        return {holding.part: holding for holding in self.pool.snapshot()[0].holdings}


@pytest.fixture
def hall() -> Iterator[Hall]:
    made = Hall()
    yield made
    made.shelf.gate.set()
    made.pool.close()
    assert made.rows() == {}, "something stayed in memory"


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < deadline, "it never came to be"
        time.sleep(0.005)


def aside(work: Callable[[], object]) -> tuple[threading.Thread, list[Any]]:
    """Runs in a thread; the list gets the result or the error."""
    out: list[Any] = []

    def run() -> None:
        try:
            out.append(work())
        except BaseException as error:
            out.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread, out


def test_two_visitors_cause_one_load_and_see_its_progress(hall: Hall) -> None:
    hall.shelf.gate.clear()
    tasks = [Task(), Task()]

    def visit(task: Task) -> Part:
        with hall.pool.lease("a", task) as lease:
            lease.engine.use()
            return lease.part

    visits = [aside(lambda task=task: visit(task)) for task in tasks]
    until(lambda: all(task.fraction == 0.5 and task.note == "model.loading" for task in tasks))
    hall.shelf.gate.set()
    for thread, out in visits:
        thread.join(PATIENCE_S)
        assert out == [Part("a", "int8")]
    assert hall.shelf.opened == [Part("a", "int8")]
    assert hall.pool.metrics.as_dict() | {"wait_p50_s": 0, "wait_p95_s": 0} == {
        "loads": 1, "failures": 0, "unloads": 0, "leases": 2, "hits": 0, "wait_p50_s": 0, "wait_p95_s": 0,
    }  # fmt: skip


def test_a_model_in_use_is_never_evicted_and_goes_when_its_user_is_done(hall: Hall) -> None:
    with hall.pool.lease("a", Task()) as lease:
        thread, out = aside(lambda: hall.pool.acquire("c", Task()))
        until(lambda: bool(hall.pool.snapshot()[0].queue))
        time.sleep(0.1)
        lease.engine.use()
        assert hall.rows()[Part("a", "int8")].closing and not hall.shelf.gone
    thread.join(PATIENCE_S)
    assert hall.shelf.gone == [Part("a", "int8")] and out[0].part == Part("c", "int8")
    out[0].release()


def test_whoever_gives_up_while_it_loads_ends_the_load(hall: Hall) -> None:
    hall.shelf.gate.clear()
    task = Task()
    thread, out = aside(lambda: hall.pool.acquire("a", task))
    until(lambda: task.fraction == 0.5)
    task.stop()
    thread.join(PATIENCE_S)
    assert isinstance(out[0], Cancelled)
    until(lambda: hall.rows() == {})


def test_an_adapter_is_a_lease_on_its_base(hall: Hall) -> None:
    with hall.pool.lease("a", Task(), adapter="voice") as voice, hall.pool.lease("a", Task()) as base:
        assert voice.engine is base.engine and "voice" in voice.engine.adapters
        assert {part: len(row.holders) for part, row in hall.rows().items()} == {
            Part("a", "int8"): 2,
            Part("a", "int8", "voice"): 1,
        }
        assert sum(row.n_bytes for row in hall.rows().values()) == 7
    hall.pool.unload(Part("a", "int8", "voice"))
    until(lambda: Part("a", "int8", "voice") not in hall.rows())
    with pytest.raises(ModelUnavailable):
        hall.pool.acquire("b", Task(), adapter="voice")


def test_what_does_not_fit_steps_down_and_says_so(hall: Hall) -> None:
    hall.free = 5
    with hall.pool.lease("a", Task()) as lower:
        assert (lower.part, lower.lowered) == (Part("a", "nf4"), True)
        hall.pool.pin(lower.part)
        with pytest.raises(DoesNotFit) as told:
            hall.pool.acquire("b", Task(), exact=True)
        assert told.value.values["model"] == "B" and "GiB" in str(told.value)
    hall.pool.pin(lower.part, False)
    with hall.pool.lease("huge", Task()) as other:
        assert (other.spec.key, other.lowered) == ("a", True), "the largest that fits and is here"


def test_only_what_will_be_used_is_fetched(hall: Hall) -> None:
    hall.shelf.here = {"b"}
    hall.free = 4
    with hall.pool.lease("huge", Task()) as lease:
        assert lease.part == Part("b", "nf4")
    assert "huge" not in hall.shelf.fetched and "a" not in hall.shelf.fetched
    hall.shelf.here = set()
    with hall.pool.lease("huge", Task()) as lease:
        assert lease.spec.key == "qwen2.5-0.5b", "what is not on this disk stands in only if it is the small one"


def test_a_failed_load_is_told_as_it_was_and_not_tried_again_at_once(hall: Hall) -> None:
    hall.shelf.fails["a"] = [ModelUnavailable("weights_broken", name="a"), RuntimeError("a bug")]
    for _ in range(2):
        with pytest.raises(ModelUnavailable) as told:
            hall.pool.acquire("a", Task())
        assert told.value.code == "weights_broken" and hall.rows() == {}
    assert len(hall.shelf.opened) == 1, "the second visitor came too soon for another try"
    time.sleep(0.25)
    with pytest.raises(ModelUnavailable):
        hall.pool.acquire("a", Task())
    time.sleep(0.45)
    with hall.pool.lease("a", Task()):
        assert len(hall.shelf.opened) == 3


def test_out_of_memory_while_loading_frees_the_idle_and_tries_once_more(hall: Hall) -> None:
    with hall.pool.lease("qwen2.5-0.5b", Task()):
        pass
    hall.shelf.fails["a"] = [DoesNotFit("out_of_memory")]
    with hall.pool.lease("a", Task()) as lease:
        assert lease.part == Part("a", "int8")
    assert hall.shelf.gone == [Part("qwen2.5-0.5b", "int8")]
    assert hall.shelf.opened.count(Part("a", "int8")) == 2


def test_out_of_memory_while_answering_frees_the_idle(hall: Hall) -> None:
    with hall.pool.lease("qwen2.5-0.5b", Task()):
        pass
    with hall.pool.lease("a", Task()):
        hall.shelf.relieve["a"]()
        assert hall.shelf.gone == [Part("qwen2.5-0.5b", "int8")]
    hall.shelf.relieve["a"]()  # nobody holds it any more: nothing to do, and no waiting


def test_a_forgotten_lease_is_not_held_for_ever(hall: Hall) -> None:
    lease = hall.pool.acquire("a", Task())
    assert hall.rows()[Part("a", "int8")].holders
    del lease
    gc.collect()
    assert not hall.rows()[Part("a", "int8")].holders


def test_what_nobody_uses_goes_by_itself() -> None:
    hall = Hall(idle_s=0.1)
    with hall.pool.lease("a", Task()):
        pass
    until(lambda: hall.rows() == {})
    assert hall.shelf.gone == [Part("a", "int8")]


def test_bytes_that_do_not_come_back_stay_on_the_books(hall: Hall) -> None:
    hall.shelf.lets_go = False
    with hall.pool.lease("a", Task()):
        pass
    hall.pool.unload(Part("a", "int8"))
    until(lambda: hall.rows() == {})
    assert hall.pool.snapshot()[0].lost == 6
    with hall.pool.lease("b", Task()) as lease:
        assert lease.part == Part("b", "nf4"), "the lost bytes are not there to be used"


def test_memory_that_others_took_is_not_given_away(hall: Hall) -> None:
    with hall.pool.lease("qwen2.5-0.5b", Task()):
        pass
    hall.free = 6
    with pytest.raises(DoesNotFit):
        hall.pool.acquire("c", Task(), exact=True)
    hall.free = 10
    with hall.pool.lease("c", Task(), exact=True) as lease:
        assert lease.part == Part("c", "int8")


def test_the_page_is_told_what_would_go_before_it_goes(hall: Hall) -> None:
    assert isinstance(hall.pool.preview("a")[0], Plan)
    with hall.pool.lease("a", Task()):
        planned, here = hall.pool.preview("c")
        assert isinstance(planned, Plan) and planned.drain == (Part("a", "int8"),) and here
    planned, _ = hall.pool.preview("c")
    assert isinstance(planned, Plan) and planned.evict == (Part("a", "int8"),)
    assert isinstance(hall.pool.preview("huge")[0], Misfit)
    hall.pool.pin(Part("a", "int8"))
    assert isinstance(hall.pool.preview("c")[0], Misfit)
    assert hall.shelf.gone == [], "looking changes nothing"


def test_unknown_names_are_refused(hall: Hall) -> None:
    with pytest.raises(UnknownModel):
        hall.pool.acquire("nobody", Task())
    with pytest.raises(BadInput):
        hall.pool.add(row("a"))


def test_a_crowd_never_sees_an_engine_that_is_gone() -> None:
    """Twelve visitors, three models that do not fit together, some of them impatient: for three seconds nothing is
    used after it was unloaded, the bytes stay within the budget, and everybody is served or told."""
    hall = Hall()
    ends: list[str] = []
    stop = time.monotonic() + 3.0

    def visitor(number: int) -> None:
        turn = 0
        while time.monotonic() < stop:
            key, turn = "abc"[(number + turn) % 3], turn + 1
            task = Task()
            if number % 4 == 3:
                threading.Timer(0.02, task.stop).start()
            try:
                with hall.pool.lease(key, task, adapter="voice" if key == "a" and turn % 2 else "") as lease:
                    lease.engine.use()
                    time.sleep(0.002)
                    lease.engine.use()
                ends.append("served")
            except (Cancelled, Busy, DoesNotFit) as error:
                ends.append(error.code)

    threads = [threading.Thread(target=visitor, args=(number,), daemon=True) for number in range(12)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        snapshot = hall.pool.snapshot()[0]
        assert snapshot.used <= snapshot.budget or snapshot.budget == 0
        time.sleep(0.002)
        assert time.monotonic() < stop + PATIENCE_S, "somebody waits for ever"
    assert ends.count("served") > 100 and set(ends) <= {"served", "cancelled"}
    hall.pool.close()
    assert hall.rows() == {} and not hall.pool.snapshot()[0].queue

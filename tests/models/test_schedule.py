"""The scheduler under random histories, and case by case."""

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from models.plan import EMBEDDED, Misfit, Part, Plan, Rung
from models.schedule import (
    Asked,
    BudgetChanged,
    Cancelled,
    CancelLoad,
    Deny,
    Freed,
    Grant,
    Loaded,
    OutOfMemory,
    Pinned,
    Policy,
    Released,
    Scheduler,
    StartLoad,
    StartUnload,
    Tick,
    UnloadAsked,
    Unloaded,
    Unpinned,
    Warn,
)
from tests.models.world import BUDGET, SIZES, World, steps

PARTS = st.sampled_from(
    [Part(m, p, x) for m, sizes in SIZES.items() for p in sizes for x in (("", "x", "y") if m in "ab" else ("",))]
)


class Histories(RuleBasedStateMachine):
    """Visitors come, leave and pin; loads end, fail and run out of memory; the budget changes."""

    def __init__(self) -> None:
        super().__init__()
        policy = Policy(slice_floor_s=2.0, idle_s=50.0, backoff_s=5.0, queue_limit=12)
        self.world, self.count = World(Scheduler(BUDGET, policy)), 0

    @rule(
        model=st.sampled_from("aabbc"),
        adapter=st.sampled_from(["", "", "x", "y"]),
        smaller=st.booleans(),
        last=st.booleans(),
    )
    def ask(self, model: str, adapter: str, smaller: bool, last: bool) -> None:
        self.count += 1
        self.world.ask(f"r{self.count}", steps(model, adapter, smaller=smaller, embedded=last))

    @precondition(lambda self: self.world.open)
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        self.world.cancel(data.draw(st.sampled_from(sorted(self.world.open))))

    @precondition(lambda self: self.world.leases)
    @rule(data=st.data())
    def release(self, data: st.DataObject) -> None:
        self.world.release(data.draw(st.sampled_from(sorted(self.world.leases))))

    @precondition(lambda self: self.world.leases)
    @rule(data=st.data())
    def runs_out_of_memory(self, data: st.DataObject) -> None:
        request = data.draw(st.sampled_from(sorted(self.world.leases)))
        if request not in self.world.short:
            self.world.short.add(request)
            self.world.send(OutOfMemory(request))

    @precondition(lambda self: self.world.loading)
    @rule(data=st.data(), load_s=st.sampled_from([0.0, 0.3, 2.0]), extra=st.sampled_from([0, 0, 0, -1, 1]))
    def finish_load(self, data: st.DataObject, load_s: float, extra: int) -> None:
        part = data.draw(st.sampled_from(sorted(self.world.loading)))
        self.world.loaded(part, load_s, max(0, self.world.held[part] + extra))

    @precondition(lambda self: self.world.loading)
    @rule(data=st.data(), out_of_memory=st.booleans())
    def fail_load(self, data: st.DataObject, out_of_memory: bool) -> None:
        self.world.failed(data.draw(st.sampled_from(sorted(self.world.loading))), out_of_memory)

    @precondition(lambda self: self.world.unloading)
    @rule(data=st.data())
    def finish_unload(self, data: st.DataObject) -> None:
        self.world.unloaded(data.draw(st.sampled_from(sorted(self.unload_orders()))))

    @rule(part=PARTS, pin=st.booleans())
    def pin(self, part: Part, pin: bool) -> None:
        if pin and part not in self.world.unloading:
            self.world.pins.add(part)
            self.world.send(Pinned(part))
        elif not pin:
            self.world.pins.discard(part)
            self.world.send(Unpinned(part))

    @rule(part=PARTS)
    def press_unload(self, part: Part) -> None:
        self.world.send(UnloadAsked(part))

    @rule(n_bytes=st.sampled_from([3, 7, 10, 10, 14]))
    def change_budget(self, n_bytes: int) -> None:
        self.world.budget = n_bytes
        self.world.send(BudgetChanged(n_bytes))

    @rule(seconds=st.sampled_from([0.1, 1.0, 3.0, 12.0, 60.0]))
    def wait(self, seconds: float) -> None:
        self.world.now += seconds
        self.world.send(Tick())

    def unload_orders(self) -> set[Part]:
        """Parts whose unload was ordered by name: a base stands for its adapters."""
        going = self.world.unloading
        return {part for part in going if not part.adapter or part.base not in going}

    @invariant()
    def books_agree(self) -> None:
        shown = self.world.scheduler.snapshot()
        assert {holding.part: holding.n_bytes for holding in shown.holdings} == self.world.held
        assert {queued.request for queued in shown.queue} == set(self.world.open)
        held_by = {holding.part: set(holding.holders) for holding in shown.holdings if holding.holders}
        expected: dict[Part, set[str]] = {}
        for request, rung in self.world.leases.items():
            for part in {rung.part, rung.part.base}:
                expected.setdefault(part, set()).add(request)
        assert held_by == expected

    @invariant()
    def nobody_waits_for_nothing(self) -> None:
        assert not (self.world.open and self.world.idle()), "somebody waits and nothing is under way"

    def teardown(self) -> None:
        """Everybody leaves when served: then every request ends, and nothing is left to do."""
        world = self.world
        for _ in range(5000):
            if not (world.open or world.leases or world.loading or world.unloading):
                break
            if world.loading:
                world.loaded(min(world.loading))
            elif world.unloading:
                world.unloaded(min(self.unload_orders()))
            elif world.leases:
                world.release(min(world.leases))
            else:
                world.now = world.scheduler.wake_at() or world.now
                world.send(Tick())
        assert not world.open and len(world.ended) == self.count
        assert not world.short


TestHistories = Histories.TestCase
TestHistories.settings = settings(max_examples=150, stateful_step_count=60, deadline=None)


# ---- single cases -------------------------------------------------------------------------------------------------


@pytest.fixture
def world() -> World:
    return World(Scheduler(BUDGET))


A, B, C = (Part(name, "int8") for name in "abc")


def load(world: World, part: Part, load_s: float = 1.0) -> None:
    """Makes a part ready and idle."""
    request = f"load {part}"
    world.ask(request, steps(part.model))
    world.loaded(part, load_s)
    world.release(request)


def test_two_requests_cause_one_load_and_the_last_cancel_ends_it(world: World) -> None:
    world.ask("r1", steps("a"))
    assert world.ask("r2", steps("a")) == []
    world.cancel("r1")
    assert world.loading == {A} and CancelLoad(A) not in world.seen
    world.cancel("r2")
    assert world.seen[-1] == CancelLoad(A)
    world.ask("r3", steps("a"))  # while the cancelled load is still being cleared away
    assert world.failed(A) == [StartLoad(A, 6)], "a cancelled load is no failure"
    assert world.loaded(A) == [Grant("r3", steps("a")[0])]


def test_eviction_warns_unloads_waits_for_the_proof_and_then_loads(world: World) -> None:
    load(world, A)
    preview = world.scheduler.preview(steps("b"))
    assert isinstance(preview, Plan) and preview.evict == (A,)
    assert world.ask("r1", steps("b")) == [Warn(("r1",), B, (A,)), StartUnload(A)]
    assert world.unloaded(A) == [StartLoad(B, 5)]
    assert isinstance(world.scheduler.preview((Rung(C, 99),)), Misfit)


def test_bytes_that_did_not_come_back_are_not_spent_again(world: World) -> None:
    load(world, A)
    world.ask("r1", steps("c", smaller=False))
    world.held.pop(A)
    world.unloading.clear()
    effects = world.send(Unloaded(A, lost_bytes=2))
    assert effects == [StartLoad(Part("c", "nf4"), 7)], "nine bytes no longer fit into eight"
    assert world.scheduler.snapshot().used == 9


def test_a_failed_load_is_remembered_and_tried_again_later(world: World) -> None:
    pauses = []
    for attempt in range(3):
        world.ask(f"first {attempt}", steps("a"))
        (denied,) = world.failed(A)
        assert isinstance(denied, Deny) and denied.code == "load_failed" and denied.values["reason"] == "weights_broken"
        pauses.append(denied.values["retry_s"])
        (again,) = world.ask(f"too early {attempt}", steps("a"))
        assert isinstance(again, Deny)
        world.now += float(str(pauses[-1]))
    assert pauses == [5.0, 10.0, 20.0]


def test_out_of_memory_frees_what_is_idle_retries_once_and_steps_down(world: World) -> None:
    load(world, Part("tiny", "int8"))
    world.ask("r1", steps("a"))
    assert world.failed(A, out_of_memory=True) == [StartUnload(Part("tiny", "int8"))]
    assert world.unloaded(Part("tiny", "int8")) == [StartLoad(A, 6)]
    assert world.failed(A, out_of_memory=True) == [StartLoad(Part("a", "nf4"), 4)]
    assert world.loaded(Part("a", "nf4")) == [Grant("r1", steps("a")[1])]


def test_a_load_is_retried_only_once_even_if_more_could_be_freed() -> None:
    world = World(Scheduler(20), budget=20)
    load(world, Part("tiny", "int8"))
    world.ask("holder", steps("b"))
    world.loaded(B)
    world.ask("r1", steps("a"))
    world.failed(A, out_of_memory=True)
    world.unloaded(Part("tiny", "int8"))
    world.release("holder")
    assert world.failed(A, out_of_memory=True) == [StartLoad(Part("a", "nf4"), 4)]


def test_out_of_memory_while_working_frees_idle_models_and_tells(world: World) -> None:
    tiny = Part("tiny", "int8")
    load(world, tiny)
    world.ask("r1", steps("a"))
    world.loaded(A)
    world.short.add("r1")
    assert world.send(OutOfMemory("r1")) == [StartUnload(tiny)]
    assert world.unloaded(tiny) == [Freed("r1", 2)]
    world.short.add("r1")
    assert world.send(OutOfMemory("r1")) == [Freed("r1", 0)]


def test_where_nothing_fits_the_numbers_are_told_or_the_embedded_engine_answers(world: World) -> None:
    load(world, A)
    world.send(Pinned(A))
    (denied,) = world.ask("r1", steps("c", smaller=False))
    numbers = {"model": "c", "need_bytes": 7, "budget_bytes": 10, "pinned_bytes": 6}
    assert denied == Deny("r1", "does_not_fit", numbers)
    assert world.ask("r2", steps("c", smaller=False, embedded=True)) == [StartLoad(EMBEDDED.part, 0)]
    assert world.loaded(EMBEDDED.part) == [Grant("r2", EMBEDDED)]
    assert world.ask("r3", steps("c")) == [StartLoad(Part("tiny", "int8"), 2)], "a smaller model before none"


def test_adapters_share_a_base_and_count(world: World) -> None:
    world.ask("r1", steps("a", "x"))
    world.ask("r2", steps("a", "y"))
    x, y = A._replace(adapter="x"), A._replace(adapter="y")
    assert world.loaded(A) == [StartLoad(x, 1), StartLoad(y, 1)]
    world.loaded(x)
    world.loaded(y)
    assert set(world.leases) == {"r1", "r2"} and world.scheduler.snapshot().used == 8
    world.ask("r3", steps("b"))
    world.release("r1")
    assert y not in world.unloading and A not in world.unloading, "the base is in use through the other adapter"
    world.now = 100.0
    world.send(Tick())
    assert world.release("r2") == [StartUnload(A)]


def test_a_model_already_there_in_four_bits_is_not_loaded_a_second_time_in_eight(world: World) -> None:
    world.send(BudgetChanged(5))
    world.ask("r1", steps("a"))
    world.loaded(Part("a", "nf4"))
    world.budget = 20
    world.send(BudgetChanged(20))
    assert world.ask("r2", steps("a")) == [Grant("r2", steps("a")[1])]


def test_idle_models_go_after_the_time_out_and_pinned_ones_stay() -> None:
    world = World(Scheduler(20, Policy(idle_s=60.0)), budget=20)
    load(world, A)
    load(world, B)
    world.send(Pinned(B))
    assert world.scheduler.wake_at() == 60.0
    world.now = 60.0
    assert world.send(Tick()) == [StartUnload(A)]


def test_unload_waits_for_the_holder_and_a_smaller_budget_evicts(world: World) -> None:
    world.ask("r1", steps("a"))
    world.loaded(A)
    assert world.send(UnloadAsked(A)) == []
    assert world.ask("r2", steps("a")) == [], "no new work for a model that was told to go"
    assert world.release("r1") == [StartUnload(A)]
    assert world.unloaded(A) == [StartLoad(A, 6)]
    world.loaded(A)
    world.release("r2")
    world.budget = 5
    assert world.send(BudgetChanged(5)) == [StartUnload(A)]


def test_a_model_larger_than_predicted_is_not_loaded_in_circles(world: World) -> None:
    world.ask("r1", steps("a", smaller=False))
    assert world.loaded(A, n_bytes=11) == [StartUnload(A)]
    assert world.unloaded(A) == [StartLoad(Part("a", "nf4"), 4)]


def test_a_later_claim_takes_no_room_that_an_older_one_waits_for(world: World) -> None:
    world.ask("holder", steps("a"))
    world.loaded(A, load_s=10.0)  # serves undisturbed for 50 s
    world.ask("large", (Rung(C, 9),))
    assert world.scheduler.wake_at() == 50.0
    world.ask("small", (Rung(Part("d", "int8"), 2),))
    assert world.ask("one", (Rung(Part("f", "int8"), 1),)) == [StartLoad(Part("f", "int8"), 1)], (
        "nobody needs that byte"
    )
    assert world.ask("three", (Rung(Part("e", "int8"), 3),)) == [], "free now, but the large one could not follow"
    world.now = 60.0
    world.send(Tick())
    world.release("holder")
    world.loaded(Part("f", "int8"))
    assert StartLoad(C, 9) in world.unloaded(A)


def test_whoever_began_an_adapter_load_is_served_before_the_base_gives_way(world: World) -> None:
    world.ask("r1", steps("a", "x"))
    assert world.loaded(A, load_s=0.1) == [StartLoad(A._replace(adapter="x"), 1)]
    world.ask("r2", steps("b", smaller=False))
    world.now = 30.0  # the adapter took longer than the time slice of its base
    assert world.send(Tick()) == []
    assert world.ask("r3", steps("a")) == [], "the base takes no more work"
    assert world.loaded(A._replace(adapter="x")) == [Grant("r1", steps("a", "x")[0])]
    assert world.release("r1") == [StartUnload(A)]


def test_a_base_goes_after_the_adapter_that_an_older_claim_sends_away(world: World) -> None:
    x = A._replace(adapter="x")
    world.ask("holder", steps("a", "x"))
    world.loaded(A)
    world.loaded(x, load_s=0.1)
    world.now = 60.0
    world.ask("four", (Rung(Part("e", "int8"), 4),))
    world.ask("six", (Rung(Part("f", "int8"), 6),))
    assert world.release("holder") == [StartUnload(x)]
    assert world.unloaded(x) == [StartLoad(Part("e", "int8"), 4), StartUnload(A)]


def test_a_crowd_at_one_model_shuts_out_nobody_else(world: World) -> None:
    for number in range(64):
        assert Deny not in map(type, world.ask(f"a{number}", steps("a")))
    assert world.ask("a too many", steps("a")) == [Deny("a too many", "busy", {"model": "a", "limit": 64})]
    assert Deny not in map(type, world.ask("b", steps("b")))


def test_bugs_of_the_caller_are_refused(world: World) -> None:
    world.ask("r1", steps("a"))
    for event in (Asked("r1", steps("a")), Asked("r2", ()), Loaded(B, 5, 1.0), Unloaded(A)):
        with pytest.raises(ValueError):
            world.scheduler.handle(event, 0.0)
    world.send(Released("unknown"))
    world.send(Cancelled("unknown"))

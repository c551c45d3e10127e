"""The scheduler in simulated time: a rare model beside a busy one, and two that do not fit together."""

import heapq
import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import pytest

from models.schedule import (
    Effect,
    Grant,
    Policy,
    Scheduler,
    StartLoad,
    StartUnload,
    Tick,
)
from tests.models.world import BUDGET, SIZES, World, steps

UNLOAD_S = 0.5
LEASE_S = 20.0  # the longest
SLOTS = {"a": 4, "b": 16}


@dataclass
class Simulation:
    """A virtual clock around the World: loads, leases and unloads take time; figures as in the tables of the field."""

    world: World
    load_s: dict[str, float]
    lease_s: Callable[[], float]
    agenda: list[tuple[float, int, Callable[[], object]]] = field(default_factory=list)
    asked: dict[str, tuple[str, float]] = field(default_factory=dict)
    waits: dict[str, list[float]] = field(default_factory=dict)
    loads: int = 0

    def at(self, when: float, do: Callable[[], object]) -> None:
        heapq.heappush(self.agenda, (when, len(self.asked) + len(self.agenda) + self.loads, do))

    def arrive(self, name: str, model: str) -> None:
        self.asked[name] = (model, self.world.now)
        self.react(self.world.ask(name, (replace(steps(model, smaller=False)[0], slots=SLOTS[model]),)))

    def react(self, effects: list[Effect]) -> None:
        now = self.world.now
        for effect in effects:
            if isinstance(effect, StartLoad):
                part, load_s = effect.part, self.load_s[effect.part.model]
                self.loads += 1
                self.at(now + load_s, lambda part=part, load_s=load_s: self.react(self.world.loaded(part, load_s)))
            elif isinstance(effect, StartUnload):
                self.at(now + UNLOAD_S, lambda part=effect.part: self.react(self.world.unloaded(part)))
            elif isinstance(effect, Grant):
                model, since = self.asked[effect.request]
                self.waits.setdefault(model, []).append(now - since)
                self.at(now + self.lease_s(), lambda name=effect.request: self.react(self.world.release(name)))

    def run(self, until: float) -> None:
        while self.world.now < until:
            due = self.agenda[0][0] if self.agenda else until
            wake = self.world.scheduler.wake_at()
            if wake is not None and wake < due:
                self.world.now = wake
                self.react(self.world.send(Tick()))
            elif self.agenda:
                self.world.now = due
                heapq.heappop(self.agenda)[2]()
            else:
                return


def simulate(rates: dict[str, float], load_s: float, policy: Policy | None = None, until: float = 2000.0) -> Simulation:
    """Poisson arrivals, exponential service (mean 4 s, at most LEASE_S), room for one of the models."""
    chance = random.Random(7)
    world = World(Scheduler(BUDGET, policy or Policy(queue_limit=16)))
    run = Simulation(world, dict.fromkeys(SIZES, load_s), lambda: min(LEASE_S, chance.expovariate(0.25)))
    for model, rate in rates.items():
        when, count = chance.expovariate(rate), 0
        while when < until:
            run.at(when, lambda name=f"{model}{count}", model=model: run.arrive(name, model))
            when, count = when + chance.expovariate(rate), count + 1
    run.run(until)
    return run


@pytest.mark.parametrize(("busy", "load_s"), [(0.6, 20.0), (0.9, 2.0), (1.05, 0.2), (3.0, 2.0)])
def test_a_rare_model_waits_a_bounded_time_whatever_a_busy_one_does(busy: float, load_s: float) -> None:
    run = simulate({"a": busy, "b": 0.02}, load_s)
    slice_s = max(5 * load_s, 2.0)
    # the worst moment to come is when b itself was just told to go: it drains, a loads, serves its slice and drains
    bound = (LEASE_S + UNLOAD_S + load_s) + slice_s + (LEASE_S + UNLOAD_S + load_s)
    assert len(run.waits["b"]) >= 20
    assert max(run.waits["b"]) <= bound
    assert len(run.waits["a"]) > 0.5 * min(busy, 1.0) * 2000, "the busy model is not starved in turn"


def test_serving_whoever_is_ready_would_starve_the_rare_model() -> None:
    endless = simulate({"a": 2.0, "b": 0.02}, 2.0, Policy(slice_loads=1e9, queue_limit=16))
    assert len(endless.waits.get("b", [])) <= 1


def test_two_busy_models_that_do_not_fit_together_take_turns_of_a_slice() -> None:
    load_s = 2.0
    run = simulate({"a": 2.0, "b": 2.0}, load_s)
    turn_s = load_s + 5 * load_s + UNLOAD_S
    assert 2000 / (turn_s + LEASE_S) <= run.loads <= 2000 / turn_s + 1, "neither a reload per visitor nor a monopoly"
    assert all(len(waits) > 400 for waits in run.waits.values())

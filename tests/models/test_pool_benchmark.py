"""The pool's benchmark runs, on a tiny model, and its answers are right; its times are not looked at."""

import pytest

from benchmarks import pool, pool_card
from benchmarks.pool_models import TINY
from tests.models import tiny

torch = pytest.importorskip("torch")


def test_every_figure_of_the_processor_is_measured_and_no_answer_is_wrong() -> None:
    lines = {line.name: line for line in pool.on_cpu(TINY, 1, n_requests=40)}
    assert lines["8 streams together, texts that differ from solo runs"].value == 0
    assert lines["wrong answers in 40 mixed requests"].value == 0
    assert lines["passes after a stop"].value <= 2
    assert all(line.value > 0 for name, line in lines.items() if "time ×" in name or "× lone" in name)
    assert "MISSED" in str(pool.Line("worse", 2.0, 1.0)) and not pool.Line("better", 2.0, 1.0, less=False).missed


@pytest.mark.parametrize("device", tiny.DEVICES)
def test_a_card_is_measured_in_both_precisions(device: str, capsys: pytest.CaptureFixture[str]) -> None:
    wide, int8 = pool_card.compared(TINY, device, n_tokens=4)
    assert int8.n_bytes < wide.n_bytes and int8.precision == "int8"
    assert min(wide.one, wide.eight, wide.columns, int8.one, int8.eight, int8.columns) > 0
    pool_card.report("tiny", [wide, int8])
    assert "int8 over" in capsys.readouterr().out

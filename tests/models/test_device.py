"""What a machine makes of itself: every rule on machines that are only described."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.device import CARDS, GIB, Choice, Machine, choose, cpu_features, decide, probe
from models.errors import BadInput
from models.spec import Precision
from models.strings import say

T4 = Machine("cuda", "Tesla T4", 15 * GIB, 14 * GIB, (7, 5))
A100 = Machine("cuda", "A100", 40 * GIB, 39 * GIB, (8, 0))
P100 = Machine("cuda", "P100", 16 * GIB, 15 * GIB, (6, 0))
M2 = Machine("mps", "Apple GPU", 16 * GIB, 10 * GIB)
OLD_CPU = Machine("cpu", "Xeon", 12 * GIB, 11 * GIB, features=frozenset({"avx2"}))
NEW_CPU = Machine("cpu", "Xeon", 64 * GIB, 60 * GIB, features=frozenset({"avx2", "avx512f", "amx_bf16"}))
ALL = [T4, A100, P100, M2, OLD_CPU, NEW_CPU]

machines = st.builds(
    Machine,
    st.sampled_from(["cuda", "mps", "cpu"]),
    st.just("any"),
    st.integers(0, 200 * GIB),
    st.integers(0, 200 * GIB),
    st.none() | st.tuples(st.integers(3, 12), st.integers(0, 9)),
    st.frozensets(st.sampled_from(["avx2", "avx512f", "avx512_bf16", "amx_bf16", "bf16"])),
    quantises=st.booleans(),
)


@pytest.mark.parametrize(
    "machine, dtype, precision, why",
    [
        (T4, "float16", "int8", "device.cuda_fp16"),
        (A100, "bfloat16", "int8", "device.cuda_bf16"),
        (P100, "float16", "fp16", "device.not_on_device"),
        (M2, "float16", "fp16", "device.not_on_device"),
        (OLD_CPU, "float32", "int8", "device.cpu_fp32"),
        (NEW_CPU, "bfloat16", "int8", "device.cpu_bf16"),
        (dataclasses.replace(OLD_CPU, quantises=False), "float32", "fp32", "device.no_library"),
    ],
)
def test_a_generator_is_held_in_8_bit_where_that_can_be(machine: Machine, dtype: str, precision: str, why: str) -> None:
    choice = choose(machine)
    assert (choice.device, choice.dtype, choice.precision, choice.reason.key) == (machine.device, dtype, precision, why)


def test_an_embedder_is_held_whole() -> None:
    assert choose(OLD_CPU, role="embed").precision is Precision.FP32
    assert choose(T4, role="embed").precision is Precision.FP16
    assert choose(A100, role="embed").precision is Precision.BF16


def test_what_is_wanted_is_had_where_it_can_be() -> None:
    assert choose(T4, wanted=Precision.NF4).ladder == (Precision.NF4,)
    assert choose(T4, wanted=Precision.BF16).precision is Precision.FP16, "no bf16 before 8.0"
    assert choose(OLD_CPU, wanted=Precision.BF16).dtype == "bfloat16", "asked for by name"
    assert choose(A100, wanted=Precision.FP32).ladder == (Precision.FP32, Precision.INT8, Precision.NF4)
    assert choose(P100, wanted=Precision.FP16).ladder == (Precision.FP16, Precision.NF4)


def test_as_if_on_a_smaller_card() -> None:
    choice = choose(A100, limit=" t4 ")
    assert (choice.dtype, choice.precision) == ("float16", "int8")
    assert choice.budget_bytes == int(14.5 * GIB) - GIB
    assert choice.budget_reason.key == "device.budget_card" and choice.budget_reason.values["card"] == "T4"
    assert choose(T4, limit="A100") == dataclasses.replace(
        choose(T4), budget_reason=choose(T4, limit="A100").budget_reason
    ), "a card is never made better than it is"
    assert choose(NEW_CPU, limit="T4").dtype == "bfloat16", "on a CPU only the memory is the card's"


@pytest.mark.parametrize("text, n_bytes", [("6GiB", 6 * GIB), ("1.5 g", 3 * GIB // 2), ("512MB", GIB // 2)])
def test_a_limit_is_kept(text: str, n_bytes: int) -> None:
    choice = choose(T4, limit=text)
    assert choice.budget_bytes == n_bytes and choice.budget_reason.key == "device.budget_limit"
    assert choose(T4, limit="100GiB").budget_bytes == choose(T4).budget_bytes == 13 * GIB


@pytest.mark.parametrize("text", ["6", "six", "-1GiB", "T5", "6GiB6", "１ＧｉＢx", "1e9G"])
def test_a_limit_that_nobody_understands(text: str) -> None:
    with pytest.raises(BadInput) as caught:
        choose(T4, limit=text)
    assert text in caught.value.message("zh") and "T4" in caught.value.hint("en")


@given(machines, st.none() | st.sampled_from(Precision), st.none() | st.sampled_from([*CARDS, "3GiB"]))
def test_invariants(machine: Machine, wanted: Precision | None, limit: str | None) -> None:
    choice = choose(machine, wanted=wanted, limit=limit)
    assert 0 <= choice.budget_bytes <= min(machine.free_bytes, machine.total_bytes)
    assert choice.ladder[0] is choice.precision and len(set(choice.ladder)) == len(choice.ladder)
    if choice.dtype == "bfloat16" and wanted is not Precision.BF16:
        assert machine.bf16
    if machine.device == "cuda" and (machine.capability or (0, 0)) < (8, 0):
        assert choice.dtype != "bfloat16"
    if not machine.quantises:
        assert not {Precision.INT8, Precision.NF4} & set(choice.ladder)
    assert _words(choice)


def _words(choice: Choice) -> list[str]:
    reasons = (choice.reason, choice.budget_reason)
    return [say(reason.key, lang, **reason.values) for reason in reasons for lang in ("zh", "en")]


def test_instruction_sets_are_read_from_the_kernel() -> None:
    x86 = "processor\t: 0\nflags\t\t: fpu avx2 avx512f avx512_bf16 amx_tile\n\nprocessor: 1\nflags\t\t: fpu\n"
    assert cpu_features(x86) == {"avx2", "avx512f", "avx512_bf16", "amx_tile"}
    assert cpu_features("Features\t: fp asimd bf16 i8mm\n") == {"bf16", "i8mm"}
    assert cpu_features("") == frozenset()


def test_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch")
    machine = probe()
    assert 0 < machine.free_bytes <= machine.total_bytes and machine.n_cores >= 1 and machine.name
    monkeypatch.setenv("LUOTUO_BUDGET", "256MiB")
    assert decide().budget_bytes <= 256 << 20
    assert decide(limit="T4").budget_reason.key == "device.budget_card"

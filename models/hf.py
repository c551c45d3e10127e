"""transformers models: from a folder to an engine that many visitors write with at once.

`load` makes an HFModel out of a local folder, or of a repository that lies in the local hub cache; nothing is ever
downloaded here and no code of a repository is ever run. What it returns has been tried: logits are finite, batching
writes what `generate` writes. `unload` proves that the weights are gone. Knows one model at a time; budgets, leases and
evictions are the pool's.
"""

import logging
import threading
import weakref
from collections.abc import Callable, Sequence
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from models.adapters import Adapter, Adapters
from models.anatomy import context_of, decoder_layers, end_tokens, kv_bytes_per_token
from models.batching import Batch, Forward, Row
from models.decoding import decoder_for
from models.divergence import Scan, Shift, shifts
from models.engine import FinalPrompt, GenOptions, Message
from models.errors import BadInput, HubError
from models.int8 import Report, install
from models.int8_cache import QuantisedCache
from models.lanes import Begins, Lane
from models.lora import Selection
from models.memory import give_back, held_bytes, keep_scratch, trim
from models.probe import rows_per_step
from models.prompt import Prompter
from models.sampling import generator
from models.spec import Precision
from models.streamer import Columns, Item, Stream, Writer
from models.task import Task
from models.weights import folder_of, read_weights, told

MAX_ROWS = 16  # answers that run at once on one base; more wait
CHUNK_TOKENS = {"cpu": 256, "cuda": 4096}  # of prompts, between two steps of those who write already


class HFModel:
    """One base with its adapters, open for many visitors. Made by `load`."""

    def __init__(
        self,
        model: Any,  # noqa: ANN401
        tokenizer: Any,  # noqa: ANN401
        forward: Forward,
        lane: Lane,
        form: str,
        *,
        precision: Precision,
        int8: Report | None = None,
    ) -> None:
        self._model, self._tokenizer, self._forward, self._lane = model, tokenizer, forward, lane
        self.precision, self.device = precision, forward.device
        self.dtype = str(model.dtype).removeprefix("torch.")  # of activations, and of weights that are not quantised
        self.int8 = int8  # which way int8 layers go on a CPU, how exact it is, and why; None where there are none
        self.kv_bytes_per_token = kv_bytes_per_token(model)
        # an answer must not outgrow the memory that was set aside for all of them
        self.n_context = min(context_of(model), lane.kv_tokens or context_of(model))
        self.n_bytes = held_bytes(model)  # of the base; every adapter has its own
        self.adapters = Adapters(model, forward.selection)
        self._base_prompter = Prompter(tokenizer, self.n_context, form)
        self._prompters: dict[str, Prompter] = {}
        self._decoder = decoder_for(tokenizer)
        self._ends = end_tokens(model, tokenizer)
        self._door = threading.Lock()

    @property
    def batched(self) -> bool:
        """Whether visitors share decode steps; else they take turns, token by token."""
        return self._lane.max_rows_per_step > 1

    @property
    def kv_tokens(self) -> int | None:
        """Tokens that all running answers may hold in the cache together; None: no limit but the memory."""
        return self._lane.kv_tokens

    @property
    def kv_tokens_free(self) -> int | None:
        """How many of these no running answer has been promised; an answer that needs more waits for others to end."""
        return self._lane.kv_tokens_free()

    def count(self, text: str) -> int:
        """Tokens of a text, by the model's own tokenizer, without what a prompt's format adds."""
        return len(self._encoded(text))

    def generate(
        self, prompt: Sequence[Message] | str, options: GenOptions, *, adapter: str | None = None, task: Task
    ) -> Stream:
        """Deltas of the answer, from the base or through one of its adapters. Close the stream to stop.

        Raises BadInput for an empty or much too long prompt, ModelUnavailable for an adapter that is not here; the
        stream raises what goes wrong later, Cancelled after `task.stop()`.
        """
        row = self._row(prompt, options, adapter, task)
        stream = Stream(row.writer)
        self._enter([row], [adapter])
        return stream

    def compare(
        self, prompt: Sequence[Message] | str, options: GenOptions, adapters: Sequence[str | None], *, task: Task
    ) -> Columns:
        """The same prompt to the base (None) and to adapters, side by side in one batch: yields (column, delta)."""
        channel: SimpleQueue[Item] = SimpleQueue()
        rows = [
            self._row(prompt, options, adapter, task, channel=channel, column=column)
            for column, adapter in enumerate(adapters)
        ]
        columns = Columns([row.writer for row in rows])
        self._enter(rows, adapters)
        return columns

    def divergence(
        self,
        prompt: Sequence[Message] | str,
        options: GenOptions,
        answer: str | Sequence[int],
        adapter: str,
        *,
        task: Task,
    ) -> list[Shift]:
        """Where an adapter speaks: per token of an answer, how far it moves what the base would have said there.

        Base and adapter read the same prompt and answer side by side; what passes the context is left out. Raises
        BadInput for an empty prompt or answer, ModelUnavailable for an adapter that is not here, Cancelled.
        """
        row = self._row(prompt, options, adapter, task)
        said = self._encoded(answer) if isinstance(answer, str) else list(answer)
        said = said[: self.n_context - row.n_prompt]
        if not said:
            raise BadInput("empty_text")
        channel: SimpleQueue[Item] = SimpleQueue()
        rows = [self._row(prompt, options, adapter, task, channel=channel, column=column) for column in range(2)]
        for row in rows:
            row.ids += said
        found: list[tuple[float, float]] = []
        with Columns([row.writer for row in rows]) as columns:
            self._enter(rows, [None, adapter], lambda rows, device: Scan(rows, device, found))
            for _ in columns:  # nothing but the end arrives
                pass
        return shifts(said, found, self._decoder())

    def final_prompt(
        self, prompt: Sequence[Message] | str, options: GenOptions, *, adapter: str | None = None
    ) -> FinalPrompt:
        """What the model would see, and which tokens would be kept and dropped. Raises BadInput."""
        return self._prompter(adapter).fit(prompt, options)[0]

    def add_adapter(self, key: str, folder: Path, *, form: str | None = None) -> Adapter:
        """Puts a PEFT LoRA beside the others, while answers run; `form` is its own prompt format.

        Raises ModelUnavailable when it does not belong here or changes nothing.
        """
        added = self.adapters.add(key, folder)
        if form is not None:
            self._prompters[key] = Prompter(self._tokenizer, self.n_context, form)
        return added

    def remove_adapter(self, key: str) -> None:
        """Frees an adapter. Raises Busy while an answer uses it."""
        with self._door:
            self.adapters.remove(key, self._lane.in_use())
        self._prompters.pop(key, None)

    def unload(self) -> bool:
        """Ends what runs and frees the weights; True when nothing holds the model any more."""
        self._lane.close()
        alive = weakref.ref(self._model)
        self._model = self._forward.model = self.adapters = None  # type: ignore[assignment]
        give_back()
        return alive() is None

    def _encoded(self, text: str) -> list[int]:
        return list(self._tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"])

    def _enter(self, rows: Sequence[Row], adapters: Sequence[str | None], begins: Begins = Batch) -> None:
        with self._door:  # else an adapter could leave between being found and being in use
            for row, adapter in zip(rows, adapters, strict=True):
                row.adapter = None if adapter is None else self.adapters[adapter].name
            self._lane.submit(rows, begins)

    def _row(
        self,
        prompt: Sequence[Message] | str,
        options: GenOptions,
        adapter: str | None,
        task: Task,
        *,
        channel: "SimpleQueue[Item] | None" = None,
        column: int = 0,
    ) -> Row:
        prompter = self._prompter(adapter)
        _, ids = prompter.fit(prompt, options)
        writer = Writer(
            self._decoder(),
            task,
            stops=(*options.stop, *prompter.stops),
            end_loops=options.end_loops,
            timeout_s=options.timeout_s,
            channel=channel,
            column=column,
        )
        source = generator(options, self._forward.device)
        return Row(ids, len(ids), options, None, writer, source, self._ends, self.n_context)

    def _prompter(self, adapter: str | None) -> Prompter:
        return self._prompters.get(adapter or "", self._base_prompter)


def load(
    source: Path | str,
    precision: Precision,
    device: str,
    task: Task,
    *,
    revision: str | None = None,
    form: str = "template",
    dtype: str | None = None,
    cache: QuantisedCache | None = None,
    kv_tokens: int | None = None,
    relieve: Callable[[], None] | None = None,
) -> HFModel:
    """Loads a causal language model from a folder, or by its id from the local hub cache, and tries it out.

    `dtype` is what int8 and nf4 leave whole (default: float16 on an accelerator, else the checkpoint's own); `cache`
    keeps what was quantised for the next time; `kv_tokens` bounds the cache of all answers together; `relieve` makes
    room after an out-of-memory. Raises ModelUnavailable (missing, damaged, incomplete, wrong in the self-check),
    DoesNotFit out of memory, Cancelled. After an error nothing of the model is left in memory.
    """
    problem: HubError | None = None
    try:
        # the model is in no variable of this function: the error that it raises keeps its frame
        return _opened(
            *_read(folder_of(source, revision), precision, device, task, dtype, cache),
            precision,
            task,
            form=form,
            kv_tokens=kv_tokens,
            relieve=relieve,
        )
    except HubError as error:
        problem = error.with_traceback(None)  # its frames would keep the half-loaded model
    except Exception as error:
        problem = told(error, source)
    give_back()
    raise problem


def _read(
    folder: Path, precision: Precision, device: str, task: Task, dtype: str | None, cache: QuantisedCache | None
) -> tuple[Any, Any]:
    """Model and tokenizer of a folder."""
    from transformers import AutoTokenizer

    # bitsandbytes warns once per layer and token, and of optional kernels with an exception in the record, whose
    # frames would keep the model alive for as long as a log handler keeps the record
    logging.getLogger("bitsandbytes").setLevel(logging.ERROR)
    task.step(0.0, "model.reading")
    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    task.step(0.05, "model.loading")
    return read_weights(folder, precision, device, task, dtype=dtype, cache=cache).eval(), tokenizer


def _opened(
    model: Any,  # noqa: ANN401
    tokenizer: Any,  # noqa: ANN401
    precision: Precision,
    task: Task,
    *,
    form: str,
    kv_tokens: int | None,
    relieve: Callable[[], None] | None,
) -> HFModel:
    """Tries a model out and opens its lane."""
    task.step(0.9, "model.checking")
    keep_scratch()
    int8 = install(model) if precision is Precision.INT8 and str(model.device) == "cpu" else None
    forward = Forward(model, Selection())
    rows = rows_per_step(forward, context_of(model), precision.value, wanted=MAX_ROWS, task=task)
    lane = Lane(
        forward,
        max_rows=MAX_ROWS,
        max_rows_per_step=rows,
        chunk_tokens=CHUNK_TOKENS["cpu" if forward.device == "cpu" else "cuda"],
        kv_tokens=kv_tokens,
        relieve=relieve,
    )
    for layer in decoder_layers(model):
        layer.register_forward_pre_hook(lane.check)
    trim()
    task.step(1.0, "model.ready")
    return HFModel(model, tokenizer, forward, lane, form, precision=precision, int8=int8)

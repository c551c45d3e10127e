"""What an app gets from the hub when it is built: its words, the visitor's language, events, memory, endpoints.

One Mount per app. Knows Gradio and the hub's conventions; knows nothing of any one app.
"""

import functools
import inspect
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.i18n import I18nData

from apps import AppSpec
from apps.given import checked
from apps.work import Work, broken, explain, idle, streamed
from models.errors import HubError
from models.strings import table

PRIVATE: dict[str, Any] = {"api_visibility": "private"}


class Mount:
    """The hub as one app sees it."""

    def __init__(self, spec: AppSpec, *, lang: gr.Textbox, home: Path) -> None:
        self.spec, self.lang, self.home = spec, lang, home
        self.labels: set[str] = set()
        self.openings: list[tuple[Callable[..., Any], list[Any], list[Any]]] = []
        self.kept: list[tuple[str, gr.components.Component]] = []
        self.arrivals: dict[str, gr.components.Component] = {}
        self.departures: list[tuple[gr.Button, gr.components.Component, str, str]] = []
        self.endpoints: list[str] = []
        self.chosen: dict[str, gr.components.Component] = {}

    def choice(self, capability: str) -> gr.components.Component:
        """The component that holds this visitor's choice of a model for a capability ("" is the embedded engine)."""
        if capability not in self.chosen:
            self.chosen[capability] = gr.Textbox("", visible="hidden", elem_id=self.id(f"choice-{capability}"))
        return self.chosen[capability]

    def t(self, key: str) -> I18nData:
        """A label of this app (`run` → `summary.run`) or a full key (`hub.stop`); the page translates it."""
        for full in (f"{self.spec.key}.{key}", key):
            if full in table():
                self.labels.add(full)
                return I18nData(full)
        raise KeyError(f"no string {key!r} for {self.spec.key} in assets/i18n")

    def id(self, name: str) -> str:
        """An element id that no other app has."""
        return f"{self.spec.key}-{name}"

    def keep(self, name: str, component: gr.components.Component) -> None:
        """Makes a component's value survive a reload, in the visitor's own browser only."""
        slot = f"{self.spec.key}.{name}"
        self.kept.append((slot, component))
        component.change(None, component, None, js=f"(value) => hubKeep('{slot}', value)", **PRIVATE)

    def opening(
        self,
        fill: Callable[..., Any],
        inputs: list[gr.components.Component],
        outputs: list[gr.components.Component],
    ) -> None:
        """Fills components when a visitor opens the page, so that they do not weigh on its first HTML."""
        self.openings.append((fill, inputs, outputs))

    def receives(self, name: str, component: gr.components.Component) -> None:
        """Names a component that other apps may fill through the hub."""
        self.arrivals[name] = component

    def sends(self, button: gr.Button, source: gr.components.Component, app: str, name: str) -> None:
        """A button that puts `source` into the named component of another app and opens its tab."""
        self.departures.append((button, source, app, name))

    def run(
        self,
        triggers: Sequence[Callable[..., Any]],
        work: Work,
        inputs: Sequence[gr.components.Component],
        outputs: Sequence[gr.components.Component],
        *,
        start: gr.Button,
        stop: gr.Button,
        status: gr.HTML,
    ) -> list[Any]:
        """Wires `work(task, lang, *inputs)` to its triggers, with progress, stop and toasts; returns events."""
        shown = [start, stop, status]
        handler = streamed(work, len(outputs))
        events = [
            trigger(
                handler,
                [self.lang, *inputs],
                [*shown, *outputs],
                show_progress="hidden",
                concurrency_id=self.spec.key,
                concurrency_limit=8,
                **PRIVATE,
            )
            for trigger in triggers
        ]
        for event in events:
            event.failure(None, None, shown, js=f"() => hubBroken({json.dumps(broken())})", **PRIVATE)
        plain: dict[str, Any] = {"queue": False, "show_progress": "hidden", **PRIVATE}
        stop.click(idle, None, shown, cancels=events, js="() => hubStopped()", **plain)
        return events

    def api(self, function: Callable[..., Any], name: str) -> None:
        """Publishes a typed function as REST endpoint and MCP tool; its errors reach the caller as sentences."""
        call = checked(function)

        @functools.wraps(function)
        def endpoint(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
            try:
                return call(*args, **kwargs)
            except HubError as error:
                raise gr.Error(error.text(_asked_language(function, args, kwargs)), print_exception=False) from None
            except Exception as error:
                lang = _asked_language(function, args, kwargs)
                raise gr.Error(explain(error, lang), print_exception=False) from error

        self.endpoints.append(name)
        gr.api(endpoint, api_name=name, concurrency_id=f"api-{name}", concurrency_limit=8)


def _asked_language(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
    bound = inspect.signature(function).bind_partial(*args, **kwargs)
    bound.apply_defaults()
    return str(bound.arguments.get("lang", "zh"))

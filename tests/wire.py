"""A visitor without a browser: the page's own protocol (queue/join, queue/data, cancel) as raw HTTP.

Knows how Gradio addresses events and finds them by element id and trigger; knows nothing of any one app.
"""

import json
from collections.abc import Generator, Mapping
from typing import Any
from uuid import uuid4

import httpx
from gradio_client import Client

Message = dict[str, Any]


class Visitor:
    """One visitor with a session of their own."""

    def __init__(self, url: str) -> None:
        self.http = httpx.Client(base_url=url, timeout=120, trust_env=False)
        self.config: dict[str, Any] = self.http.get("/config").json()
        self.session = uuid4().hex
        self.parts = {part["id"]: part["props"] for part in self.config["components"]}

    def __enter__(self) -> "Visitor":
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()

    def event(self, element: str, trigger: str) -> dict[str, Any]:
        """The last queued event that a trigger of an element leads to, through its links if there are any."""
        fired, found = self._fired(element, trigger), None
        while fired:
            found = next((each for each in fired if each["queue"] and each["backend_fn"]), found)
            before = {each["id"] for each in fired}
            fired = [each for each in self.config["dependencies"] if each.get("trigger_after") in before]
        if found is None:
            raise LookupError(f"{trigger} of {element} starts nothing in the queue")
        return found

    def _fired(self, element: str, trigger: str) -> list[dict[str, Any]]:
        return [
            each
            for each in self.config["dependencies"]
            for target, name in each["targets"]
            if name == trigger and self.parts.get(target, {}).get("elem_id") == element
        ]

    def join(self, element: str, trigger: str, values: Mapping[str, Any]) -> str:
        """Starts the event as if the inputs with these element ids held these values; returns its id."""
        event = self.event(element, trigger)
        inputs = [self.parts[part] for part in event["inputs"]]
        data = [values.get(props.get("elem_id"), props.get("value")) for props in inputs]
        body = {"data": data, "fn_index": event["id"], "session_hash": self.session, "trigger_id": None}
        # as a browser writes it: a lone surrogate travels as an escape
        answer = self.http.post(
            "/gradio_api/queue/join", content=json.dumps(body), headers={"content-type": "application/json"}
        )
        answer.raise_for_status()
        return str(answer.json()["event_id"])

    def messages(self) -> Generator[Message]:
        """What the server tells this session, until it closes the stream; closing the iterator is leaving the page."""
        where = f"/gradio_api/queue/data?session_hash={self.session}"
        with self.http.stream("GET", where) as stream:
            for line in stream.iter_lines():
                if line.startswith("data:"):
                    yield json.loads(line.removeprefix("data:"))

    def press(self, element: str, trigger: str, values: Mapping[str, Any]) -> list[Any]:
        """Starts an event, waits for its end and returns the final outputs. Raises AssertionError if it failed."""
        self.join(element, trigger, values)
        *_, done = (message for message in self.messages() if message["msg"] != "close_stream")
        assert done["msg"] == "process_completed" and done["success"], done
        return list(done["output"]["data"])

    def upload(self, name: str, content: bytes) -> dict[str, Any]:
        """Sends a file and returns it as the page hands it to an event."""
        answer = self.http.post("/gradio_api/upload", files={"files": (name, content)})
        answer.raise_for_status()
        return {"path": answer.json()[0], "orig_name": name, "size": len(content), "meta": {"_type": "gradio.FileData"}}

    def stop(self, element: str, trigger: str, running: str, of: int) -> None:
        """Presses a stop button for the running event `running` of the function `of`, as the page does."""
        cancelled = {fn for each in self._fired(element, trigger) for fn in each["cancels"]}
        assert of in cancelled, f"{trigger} of {element} stops {cancelled}, not {of}"
        body = {"session_hash": self.session, "fn_index": of, "event_id": running}
        self.http.post("/gradio_api/cancel", json=body).raise_for_status()


def connect(url: str) -> Client:
    """A gradio_client with a session of its own that bears a busy machine."""
    return Client(url, verbose=False, httpx_kwargs={"timeout": 120})


def said(text: str) -> dict[str, Any]:
    """A visitor's line as the page keeps it in a chat's history."""
    return {"role": "user", "content": [{"type": "text", "text": text}], "metadata": None, "options": None}

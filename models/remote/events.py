"""Server-sent events, from bytes to the data of whole events.

Written here because httpx's own line reader also splits at U+2028 and U+0085, which stand unescaped inside JSON
strings. Lines are cut in bytes and decoded when whole, so a character that arrives in two halves stays one.
https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream
"""

from collections.abc import Iterator

MAX_EVENT_BYTES = 1 << 20


class MalformedStream(Exception):
    """Raised when what arrives is not an event stream of the expected kind; the text says why."""


class EventReader:
    """Feed it bytes as they come; linear in their number however they are cut."""

    def __init__(self) -> None:
        self._line: list[bytes] = []  # pieces of the line that has not ended yet
        self._data: list[bytes] = []  # lines of the event that has not ended yet
        self._n_line = self._n_data = 0  # bytes held in each
        self._after_cr = False

    def feed(self, chunk: bytes) -> Iterator[str]:
        """Yields the data of every event that ends in this chunk. Raises MalformedStream."""
        if self._after_cr and chunk.startswith(b"\n"):  # the second half of a CRLF
            chunk, self._after_cr = chunk[1:], False
        for piece in chunk.splitlines(keepends=True):
            self._line.append(piece)
            self._n_line += len(piece)
            if self._n_line + self._n_data > MAX_EVENT_BYTES:
                raise MalformedStream(f"an event of more than {MAX_EVENT_BYTES} bytes")
            if piece.endswith((b"\n", b"\r")):
                yield from self._end_line()
        if chunk:
            self._after_cr = chunk.endswith(b"\r")

    def end(self) -> Iterator[str]:
        """Yields the last event where the server left out the empty line after it. Raises MalformedStream."""
        yield from self._end_line()
        yield from self._end_event()

    def _end_line(self) -> Iterator[str]:
        line = b"".join(self._line).rstrip(b"\r\n").removeprefix(b"\xef\xbb\xbf")
        if not line:
            yield from self._end_event()
        field, _, value = line.partition(b":")  # other fields, and comments that keep a line alive, say nothing
        if field == b"data":
            self._data.append(value.removeprefix(b" "))
            self._n_data += self._n_line
        self._line, self._n_line = [], 0

    def _end_event(self) -> Iterator[str]:
        data, self._data, self._n_data = b"\n".join(self._data), [], 0
        if data:
            try:
                yield data.decode("utf-8")
            except UnicodeDecodeError as error:
                raise MalformedStream("the text is not UTF-8") from error

"""One HTTP/1.1 connection that is kept between calls, and one time budget for each call.

It reads what ``http.client`` would read, and the tests compare the two. ``http.client`` parses
headers as those of an e-mail, which takes a third of a call's time, and its time-outs begin anew
with every packet, so that an answer in drops could take for ever.
"""

from __future__ import annotations

import select
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ssl

IDLE_S = 50.0
"""The services close a connection that was idle for about a minute. This one is closed before. A
process that was frozen, or restored from a snapshot, so never trusts what it had before."""
MOST_HEAD_BYTES, MOST_BODY_BYTES = 64 * 1024, 64 * 1024 * 1024
"""No answer is that large: DynamoDB's own limit is 16 MB. Whoever sends more is something else."""
_READ_BYTES = 64 * 1024


@cache
def tls(authorities: str | None) -> ssl.SSLContext:
    """Returns the settings of TLS, which all connections share: reading the certificates of a
    machine takes longer than many calls. ``authorities``: the file with those to trust; None: the
    machine's own."""
    import ssl

    made = ssl.create_default_context(cafile=authorities)
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    made.set_alpn_protocols(["http/1.1"])
    return made


class Cut(Exception):
    """The connection ended, or the time. ``unheard``: before the first byte of the answer, and not
    by the time: so a server closes a connection that it does not want to keep."""

    def __init__(self, why: str, *, unheard: bool = False) -> None:
        self.unheard = unheard
        super().__init__(why)


class Garbled(Exception):
    """What came is no HTTP answer."""


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """An answer. The names of the headers are in small letters."""

    status: int
    headers: Mapping[str, str]
    body: bytes | bytearray


class Connection:
    """A connection to one server. Only one thread may use it at a time."""

    def __init__(
        self, host: str, port: int, deadline: float, context: ssl.SSLContext | None = None
    ) -> None:
        """Connects, until the deadline (``time.monotonic``) at the latest. With a ``context`` by
        TLS, and only to a server that proves its name. Raises ``Cut`` where that fails."""
        self._deadline = deadline
        self._buffer = bytearray()
        self._used = time.time()
        self._is_open = True
        try:
            self._socket = socket.create_connection((host, port), self._left())
        except OSError as error:
            raise Cut(f"no connection: {error}") from error
        try:
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            if context is not None:
                self._socket.settimeout(self._left())
                self._socket = context.wrap_socket(self._socket, server_hostname=host)
        except OSError as error:
            self.close()
            raise Cut(f"no connection: {error}") from error

    @property
    def may_be_used(self) -> bool:
        """Whether the server has most likely kept the connection too. Between two calls nothing may
        arrive: what does is the server's farewell."""
        if not self._is_open or not 0 <= time.time() - self._used < IDLE_S:
            return False
        # ``select`` cannot watch the file numbers of a process with very many open files.
        watch = select.poll()
        watch.register(self._socket, select.POLLIN)
        return not watch.poll(0)

    def ask(self, request: bytes, deadline: float) -> HttpAnswer:
        """Sends the request, and returns the answer to it. Raises ``Cut`` or ``Garbled``. After
        that the connection is closed, because a later answer could be that of this request."""
        self._deadline = deadline
        try:
            self._send(request)
            return self._answer()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        self._is_open = False
        self._socket.close()

    def __del__(self) -> None:
        # Nobody closes the connections of a client that is no longer used.
        if hasattr(self, "_socket"):
            self.close()

    def _left(self) -> float:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise Cut("the time is up")
        return left

    def _send(self, request: bytes) -> None:
        self._socket.settimeout(self._left())
        try:
            self._socket.sendall(request)
        except TimeoutError as error:
            raise Cut("the time is up") from error
        except OSError as error:
            raise Cut(f"the request could not be sent: {error}", unheard=True) from error

    def _more(self, *, first: bool = False) -> bool:
        """Reads what has arrived into the buffer. Returns False at the end of the connection."""
        self._socket.settimeout(self._left())
        try:
            data = self._socket.recv(_READ_BYTES)
        except TimeoutError as error:
            raise Cut("the time is up") from error
        except OSError as error:
            raise Cut(f"the connection broke: {error}", unheard=first) from error
        self._buffer += data
        return bool(data)

    def _require_more(self) -> None:
        if not self._more():
            raise Cut("the answer is cut off")

    def _answer(self) -> HttpAnswer:
        if not self._more(first=True):
            raise Cut("the server closed the connection", unheard=True)
        while (end := self._buffer.find(b"\r\n\r\n")) < 0:
            if len(self._buffer) > MOST_HEAD_BYTES:
                raise Garbled("the head of the answer does not end")
            self._require_more()
        status, headers = _head(bytes(self._buffer[:end]))
        del self._buffer[: end + 4]
        body = self._body(headers)
        self._used = time.time()
        if self._buffer or headers.get("connection", "").lower() == "close":
            self.close()
        return HttpAnswer(status, headers, body)

    def _body(self, headers: Mapping[str, str]) -> bytes | bytearray:
        if "chunked" in headers.get("transfer-encoding", "").lower():
            return self._chunks()
        length = headers.get("content-length")
        if length is not None:
            return self._exactly(_number(length, 10))
        # Without a length the body ends where the connection does.
        while self._more():
            if len(self._buffer) > MOST_BODY_BYTES:
                raise Garbled("the answer is too long")
        self.close()
        return self._exactly(len(self._buffer))

    def _exactly(self, count: int) -> bytearray:
        """Takes so many bytes, from the buffer first. What is still to come is read to its place at
        once: a page has some 160 kB, and each copy of them would be felt."""
        taken = self._buffer[:count]
        del self._buffer[:count]
        filled = len(taken)
        if filled < count:
            taken.extend(bytes(count - filled))
            with memoryview(taken) as rest:
                while filled < count:
                    filled += self._read_into(rest[filled:])
        return taken

    def _read_into(self, place: memoryview) -> int:
        self._socket.settimeout(self._left())
        try:
            count = self._socket.recv_into(place)
        except TimeoutError as error:
            raise Cut("the time is up") from error
        except OSError as error:
            raise Cut(f"the connection broke: {error}") from error
        if not count:
            raise Cut("the answer is cut off")
        return count

    def _line(self) -> bytes:
        while (end := self._buffer.find(b"\r\n")) < 0:
            if len(self._buffer) > MOST_HEAD_BYTES:
                raise Garbled("a line of the answer does not end")
            self._require_more()
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 2]
        return line

    def _chunks(self) -> bytes:
        chunks: list[bytearray] = []
        while count := _number(self._line().partition(b";")[0].decode("latin-1"), 16):
            chunks.append(self._exactly(count))
            if self._line():
                raise Garbled("a chunk has another length")
            if sum(map(len, chunks)) > MOST_BODY_BYTES:
                raise Garbled("the answer is too long")
        # Lines after the last chunk are headers that nobody asked for.
        while self._line():
            pass
        return b"".join(chunks)


def _head(head: bytes) -> tuple[int, dict[str, str]]:
    first, *lines = head.decode("latin-1").split("\r\n")
    version, _, rest = first.partition(" ")
    status = rest[:3]
    if not version.startswith("HTTP/1.") or not (status.isascii() and status.isdigit()):
        raise Garbled("the answer is no HTTP")
    if status[0] == "1":
        raise Garbled("an interim answer, which nobody asked for")
    headers = {}
    for line in lines:
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    return int(status), headers


def _number(text: str, base: int) -> int:
    text = text.strip()
    if not text or not text.isalnum() or not text.isascii():
        raise Garbled("a length of the answer is no number")
    try:
        number = int(text, base)
    except ValueError:
        raise Garbled("a length of the answer is no number") from None
    if number > MOST_BODY_BYTES:
        raise Garbled("the answer is too long")
    return number

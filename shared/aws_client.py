"""A client of AWS's JSON services that knows only what this service needs: the calls of its table,
and the one that reads a secret.

The SDK can do far more, and so takes ten times the processor time for one call and most of a cold
start. Our records are in DynamoDB's own JSON already, so nothing has to be translated here. Each
thread keeps one connection. Calls of the table are not retried, except that a kept connection may
turn out to be closed: ``shared.table`` retries.
"""

from __future__ import annotations

import gzip
import json
import random
import socket
import ssl
import threading
import time
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import Any, BinaryIO
from urllib.parse import urlsplit

from shared.aws_credentials import NoCredentials, Source
from shared.aws_signature import Signer

_SERVICES = {
    "dynamodb": ("DynamoDB_20120810", "application/x-amz-json-1.0"),
    "secretsmanager": ("secretsmanager", "application/x-amz-json-1.1"),
}
_LONGEST_LINE = 64 * 1024
SECRET_TRIES, SECRET_PAUSE_S = 3, 0.2


class ServiceError(Exception):
    """The service refused the call. ``response`` has the form that the SDK gives it."""

    def __init__(self, response: dict[str, Any]) -> None:
        self.response = response
        super().__init__(f"{response['Error']['Code']}: {response['Error']['Message']}")


class Unanswered(Exception):
    """The service did not answer: it could not be reached, took too long, or answered something
    that is damaged. The call may have had its effect."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a service is."""

    host: str
    port: int
    secure: bool

    @classmethod
    def of(cls, service: str, region: str, env: Mapping[str, str]) -> Endpoint:
        """Returns the address that the environment names for the service or for all, as the SDK
        does; else that of the region."""
        specific = f"AWS_ENDPOINT_URL_{'SECRETS_MANAGER' if service != 'dynamodb' else 'DYNAMODB'}"
        named = env.get(specific) or env.get("AWS_ENDPOINT_URL")
        if not named:
            return cls(f"{service}.{region}.amazonaws.com", 443, secure=True)
        place = urlsplit(named)
        secure = place.scheme == "https"
        if place.hostname is None or place.path not in ("", "/"):
            raise ValueError(f"an address of a service has a host, and no path: {named!r}")
        return cls(place.hostname, place.port or (443 if secure else 80), secure)

    @property
    def host_header(self) -> str:
        usual = 443 if self.secure else 80
        return self.host if self.port == usual else f"{self.host}:{self.port}"


@dataclass(slots=True)
class Client:
    """Calls one service. Its methods are the operations, in the spelling of the SDK, and take and
    return what those do. Threads share it. ``authorities``: the file with the certificates that are
    trusted; None: those of the machine."""

    service: str
    region: str
    endpoint: Endpoint
    credentials: Source
    connect_s: float
    read_s: float
    authorities: str | None = None
    clock: Callable[[], datetime] = field(default=lambda: datetime.now(UTC))
    _signer: Signer = field(init=False)
    _kept: dict[int, _Connection] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._signer = Signer(self.service, self.region, self.endpoint.host_header)

    def batch_get_item(self, **arguments: Any) -> dict[str, Any]:
        return self._called("BatchGetItem", arguments)

    def query(self, **arguments: Any) -> dict[str, Any]:
        return self._called("Query", arguments)

    def transact_write_items(self, **arguments: Any) -> dict[str, Any]:
        return self._called("TransactWriteItems", arguments)

    def batch_write_item(self, **arguments: Any) -> dict[str, Any]:
        return self._called("BatchWriteItem", arguments)

    def update_item(self, **arguments: Any) -> dict[str, Any]:
        return self._called("UpdateItem", arguments)

    def get_secret_value(self, **arguments: Any) -> dict[str, Any]:
        """Nobody else retries this one, so it is tried a few times here."""
        for attempt in range(SECRET_TRIES - 1):
            try:
                return self._called("GetSecretValue", arguments)
            except Unanswered:
                time.sleep(random.uniform(0, SECRET_PAUSE_S * 2**attempt))
        return self._called("GetSecretValue", arguments)

    def close(self) -> None:
        """Ends the connections of all threads. The next call makes a new one."""
        while self._kept:
            self._kept.popitem()[1].close()

    # ---------------------------------------------------------------- one call

    def _called(self, operation: str, arguments: dict[str, Any]) -> dict[str, Any]:
        given = {name: value for name, value in arguments.items() if value is not None}
        body = json.dumps(given, separators=(",", ":"), ensure_ascii=False).encode()
        prefix, content_type = _SERVICES[self.service]
        now = self.clock()
        try:
            credentials = self.credentials(now)
        except NoCredentials as error:
            raise Unanswered(f"no credentials: {error}") from None
        headers = self._signer.headers(
            credentials, f"{prefix}.{operation}", content_type, body, now
        )
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        request = f"POST / HTTP/1.1\r\n{lines}content-length: {len(body)}\r\n\r\n".encode() + body
        status, answer = self._answered(request)
        if status == 200:
            return answer
        raise _error(status, answer)

    def _answered(self, request: bytes) -> tuple[int, dict[str, Any]]:
        """Sends a request, and returns the status and the answer. A kept connection that the
        service has closed is replaced, once: it ended before any part of an answer. Every call here
        can be made twice: reads; whole items that are put or deleted; one attribute that is set;
        transactions, which carry a token."""
        # Taken out, so that a connection on which something goes wrong is not used again.
        kept = self._kept.pop(threading.get_ident(), None)
        if kept is not None:
            try:
                return self._over(kept, request)
            except _Closed:
                pass
        try:
            return self._over(_Connection.to(self), request)
        except _Closed:
            raise Unanswered("closed without an answer") from None

    def _over(self, connection: _Connection, request: bytes) -> tuple[int, dict[str, Any]]:
        try:
            status, headers, raw = connection.exchanged(request)
            answer = _content(headers, raw)
        except (OSError, ValueError, EOFError, zlib.error) as error:
            connection.close()
            raise Unanswered(type(error).__name__) from None
        except BaseException:
            connection.close()
            raise
        if headers.get(b"connection", b"").lower() == b"close":
            connection.close()
        else:
            self._kept[threading.get_ident()] = connection
        return status, answer


def _content(headers: dict[bytes, bytes], raw: bytes) -> dict[str, Any]:
    """Returns the answer, once its checksum is right. Raises ``ValueError`` for anything else."""
    expected = headers.get(b"x-amz-crc32")
    if expected is not None and zlib.crc32(raw) != int(expected):
        raise ValueError("an answer has another checksum")
    if headers.get(b"content-encoding") == b"gzip":
        raw = gzip.decompress(raw)
    answer = json.loads(raw) if raw else {}
    if not isinstance(answer, dict):
        raise ValueError("an answer is an object")
    return answer


def _error(status: int, answer: dict[str, Any]) -> Exception:
    """Returns the error of a refusal, in the form of the SDK's."""
    code = str(answer.get("__type", "")).rpartition("#")[2] or str(status)
    message = answer.get("message") or answer.get("Message") or ""
    more = {name: value for name, value in answer.items() if name not in ("__type", "Message")}
    if status >= 500 and code == str(status):
        # Not the service itself, but something before it.
        return Unanswered(f"status {status}")
    return ServiceError({**more, "Error": {"Code": code, "Message": message}})


# ---------------------------------------------------------------- HTTP


class _Closed(Exception):
    """The connection ended before any part of an answer came."""


@cache
def _tls(authorities: str | None) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=authorities)


@dataclass(slots=True)
class _Connection:
    """A kept connection of one thread. It reads just what these services answer."""

    socket: socket.socket
    answers: BinaryIO

    @classmethod
    def to(cls, client: Client) -> _Connection:
        endpoint = client.endpoint
        try:
            made = socket.create_connection((endpoint.host, endpoint.port), client.connect_s)
            made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            made.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            if endpoint.secure:
                made = _tls(client.authorities).wrap_socket(made, server_hostname=endpoint.host)
            made.settimeout(client.read_s)
        except OSError as error:
            raise Unanswered(type(error).__name__) from None
        return cls(made, made.makefile("rb"))

    def exchanged(self, request: bytes) -> tuple[int, dict[bytes, bytes], bytes]:
        """Sends a request, and returns the status, the headers and the body of the answer."""
        try:
            self.socket.sendall(request)
            first = self.answers.readline(_LONGEST_LINE)
        except (ConnectionError, ssl.SSLEOFError):
            first = b""
        if not first:
            self.close()
            raise _Closed
        status = int(first.split(b" ", 2)[1])
        headers = self._headers()
        if headers.get(b"transfer-encoding", b"").lower() == b"chunked":
            return status, headers, b"".join(iter(self._chunk, b""))
        return status, headers, self._read(int(headers.get(b"content-length", b"0")))

    def close(self) -> None:
        self.answers.close()
        self.socket.close()

    def __del__(self) -> None:
        # The thread that kept it has ended.
        self.close()

    def _headers(self) -> dict[bytes, bytes]:
        found = {}
        while (line := self.answers.readline(_LONGEST_LINE)) not in (b"\r\n", b"\n"):
            if not line.endswith(b"\n"):
                raise EOFError("the answer ends in its headers")
            name, _, value = line.partition(b":")
            found[name.strip().lower()] = value.strip()
        return found

    def _chunk(self) -> bytes:
        size = int(self.answers.readline(_LONGEST_LINE).split(b";")[0], 16)
        data = self._read(size)
        self._read(2)  # each chunk ends with a line of its own
        return data

    def _read(self, size: int) -> bytes:
        data = self.answers.read(size)
        if len(data) < size:
            raise EOFError("the answer ends before its end")
        return data

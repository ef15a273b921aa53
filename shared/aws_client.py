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
import secrets
import threading
import time
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from shared.aws_connection import Connection, Cut, Garbled, HttpAnswer, tls
from shared.aws_credentials import NoCredentials, Source
from shared.aws_signature import Signer

if TYPE_CHECKING:
    from ssl import SSLContext

_SERVICES = {
    "dynamodb": ("DynamoDB_20120810", "application/x-amz-json-1.0"),
    "secretsmanager": ("secretsmanager", "application/x-amz-json-1.1"),
}
SECRET_TRIES, SECRET_PAUSE_S = 3, 0.2
_CHANCE = random.SystemRandom()


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
    return what those do. Threads share it. ``call_s``: the seconds that a whole call may take, of
    which a new connection may take ``connect_s``. ``authorities``: the file with the certificates
    that are trusted; None: those of the machine."""

    service: str
    region: str
    endpoint: Endpoint
    credentials: Source
    connect_s: float
    call_s: float
    authorities: str | None = None
    clock: Callable[[], datetime] = field(default=lambda: datetime.now(UTC))
    _signer: Signer = field(init=False)
    _kept: dict[int, Connection] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._signer = Signer(self.service, self.region, self.endpoint.host_header)

    def batch_get_item(self, **arguments: Any) -> dict[str, Any]:
        return self._called("BatchGetItem", arguments)

    def query(self, **arguments: Any) -> dict[str, Any]:
        return self._called("Query", arguments)

    def scan(self, **arguments: Any) -> dict[str, Any]:
        """Only the administration reads the whole table. No function has the right to."""
        return self._called("Scan", arguments)

    def transact_write_items(self, **arguments: Any) -> dict[str, Any]:
        # By its token a transaction that comes twice has one effect. The SDK makes one up, too.
        arguments.setdefault("ClientRequestToken", secrets.token_hex(16))
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
                pass
            except ServiceError as error:
                if not _may_pass(error):
                    raise
            time.sleep(_CHANCE.uniform(0, SECRET_PAUSE_S * 2**attempt))
        return self._called("GetSecretValue", arguments)

    def prepare(self) -> None:
        """Reads the certificates, which takes longer than many calls. Opens no connection."""
        self._tls()

    def close(self) -> None:
        """Ends the connections of all threads. The next call makes a new one."""
        while self._kept:
            self._kept.popitem()[1].close()

    # ---------------------------------------------------------------- one call

    def _called(self, operation: str, arguments: dict[str, Any]) -> dict[str, Any]:
        given = {name: value for name, value in arguments.items() if value is not None}
        body = _ENCODER.encode(given).encode()
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
        can be made twice: reads; whole items that are put or deleted; one attribute that is set
        (a condition that is false by then is no refusal to ``Table.touch``); transactions, which
        carry a token. ``shared.table`` too makes them again after a lost answer."""
        deadline = time.monotonic() + self.call_s
        # Taken out, so that a connection on which something goes wrong is not used again.
        kept = self._kept.pop(threading.get_ident(), None)
        try:
            if kept is not None and kept.may_be_used:
                try:
                    return self._over(kept, request, deadline)
                except Cut as cut:
                    if not cut.unheard:
                        raise
            return self._over(self._connected(deadline), request, deadline)
        except (Cut, Garbled) as error:
            raise Unanswered(str(error)) from None

    def _connected(self, deadline: float) -> Connection:
        endpoint = self.endpoint
        until = min(deadline, time.monotonic() + self.connect_s)
        return Connection(endpoint.host, endpoint.port, until, self._tls())

    def _tls(self) -> SSLContext | None:
        return tls(self.authorities) if self.endpoint.secure else None

    def _over(
        self, connection: Connection, request: bytes, deadline: float
    ) -> tuple[int, dict[str, Any]]:
        answer = connection.ask(request, deadline)
        try:
            content = _content(answer)
        except Garbled:
            # Whatever damaged it may have damaged what comes next.
            connection.close()
            raise
        self._kept[threading.get_ident()] = connection
        return answer.status, content


_ENCODER = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False)


def _content(answer: HttpAnswer) -> dict[str, Any]:
    """Returns the content of an answer, once its checksum is right: that of the bytes as they came,
    compressed or not. Raises ``Garbled`` for anything else."""
    raw, expected = answer.body, answer.headers.get("x-amz-crc32")
    if expected is not None and str(zlib.crc32(raw)) != expected:
        raise Garbled("an answer has another checksum")
    try:
        if answer.headers.get("content-encoding") == "gzip":
            raw = gzip.decompress(raw)
        found = json.loads(raw) if raw else {}
    except (OSError, EOFError, zlib.error, ValueError, RecursionError) as error:
        found = type(error).__name__
    if isinstance(found, dict):
        return found
    if answer.status >= 300:
        # The page of something before the service. Its status says enough.
        return {}
    raise Garbled("an answer is no object")


def _error(status: int, answer: dict[str, Any]) -> Exception:
    """Returns the error of a refusal, in the form of the SDK's."""
    # Such as ``com.amazonaws.dynamodb.v20120810#ThrottlingException``, or with an address behind.
    named = str(answer.get("__type") or "").partition(":")[0]
    code = named.rpartition("#")[2] or str(status)
    message = answer.get("message") or answer.get("Message") or ""
    more = {name: value for name, value in answer.items() if name not in ("__type", "Message")}
    if status >= 500 and code == str(status):
        # Not the service itself, but something before it.
        return Unanswered(f"status {status}")
    about = {"HTTPStatusCode": status}
    return ServiceError(
        {**more, "Error": {"Code": code, "Message": message}, "ResponseMetadata": about}
    )


def _may_pass(error: ServiceError) -> bool:
    """Returns whether the service may answer the same call a moment later."""
    status: int = error.response["ResponseMetadata"]["HTTPStatusCode"]
    return status >= 500 or "Throttl" in error.response["Error"]["Code"]

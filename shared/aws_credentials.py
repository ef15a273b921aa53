"""The credentials of a function: those of its environment, or those of the container's own address,
which SnapStart needs because a snapshot outlives the credentials of its environment."""

from __future__ import annotations

import ipaddress
import json
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from shared.aws_connection import Connection, Cut, Garbled, tls
from shared.aws_signature import Credentials

Source = Callable[[datetime], Credentials]
"""Returns the credentials to use at a time."""

_FULL, _RELATIVE = "AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"
_TOKEN, _TOKEN_FILE = "AWS_CONTAINER_AUTHORIZATION_TOKEN", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"
_CONTAINER = "http://169.254.170.2"
_CONTAINERS = frozenset({"169.254.170.2", "169.254.170.23", "fd00:ec2::23", "localhost"})
"""Where a container's address may be without TLS, as for the SDK: anybody between here and there
could read what is said."""
_REFRESH_BEFORE, _ASK_AGAIN = timedelta(minutes=5), timedelta(seconds=5)
"""How long before they expire they are asked for again, and how long after that has failed."""
_ANSWER_S = 2.0


class NoCredentials(Exception):
    """The container's address did not give credentials."""


def source(env: Mapping[str, str]) -> Source | None:
    """Returns where the credentials come from, or None where they come from somewhere that only the
    SDK knows, such as a profile of a person."""
    if env.get("AWS_PROFILE") or env.get("AWS_CREDENTIAL_EXPIRATION"):
        return None
    access_key, secret_key = env.get("AWS_ACCESS_KEY_ID"), env.get("AWS_SECRET_ACCESS_KEY")
    if access_key and secret_key:
        fixed = Credentials(access_key, secret_key, env.get("AWS_SESSION_TOKEN") or None)
        return lambda _: fixed
    return _Container(env).at if _place(env) is not None else None


def _place(env: Mapping[str, str]) -> SplitResult | None:
    """Returns the container's address, or None where there is none that may be asked."""
    relative = env.get(_RELATIVE)
    place = urlsplit(f"{_CONTAINER}{relative}" if relative else env.get(_FULL) or "")
    if place.hostname is None or not (place.scheme == "https" or _is_near(place.hostname)):
        return None
    return place


def _is_near(host: str) -> bool:
    if host in _CONTAINERS:
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@dataclass(frozen=True, slots=True)
class _Known:
    credentials: Credentials
    ends: datetime
    ask_at: datetime


@dataclass(slots=True)
class _Container:
    """Credentials from the container's address. They are asked for again shortly before they
    expire: by one thread, while the others go on with those that are still valid."""

    env: Mapping[str, str]
    _known: _Known | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def at(self, now: datetime) -> Credentials:
        known = self._known
        if known is not None and now < known.ask_at:
            return known.credentials
        valid = known is not None and now < known.ends
        if self._lock.acquire(blocking=not valid):
            try:
                # Another thread may have asked while this one waited.
                if self._known is None or now >= self._known.ask_at:
                    self._known = self._renewed(self._known, now)
            finally:
                self._lock.release()
        assert self._known is not None
        return self._known.credentials

    def _renewed(self, known: _Known | None, now: datetime) -> _Known:
        try:
            credentials, ends = self._asked()
            if ends <= now:
                raise NoCredentials("they have expired")
        except (Cut, Garbled, LookupError, NoCredentials, OSError, TypeError, ValueError) as error:
            if known is not None and now < known.ends:
                return replace(known, ask_at=now + _ASK_AGAIN)
            words = str(error) if isinstance(error, NoCredentials) else type(error).__name__
            raise NoCredentials(words) from error
        return _Known(credentials, ends, ends - _REFRESH_BEFORE)

    def _asked(self) -> tuple[Credentials, datetime]:
        # The environment is read anew each time: a restored process may find another one.
        place = _place(self.env)
        if place is None or place.hostname is None:
            raise LookupError(_FULL)
        target = (place.path or "/") + (f"?{place.query}" if place.query else "")
        lines = [f"GET {target} HTTP/1.1", f"host: {place.netloc}", "accept: application/json"]
        if token := self._token():
            lines.append(f"authorization: {token}")
        lines.append("connection: close")
        secure = place.scheme == "https"
        deadline = time.monotonic() + _ANSWER_S
        context = tls(self.env.get("AWS_CA_BUNDLE")) if secure else None
        connection = Connection(
            place.hostname, place.port or (443 if secure else 80), deadline, context
        )
        try:
            answer = connection.ask(("\r\n".join(lines) + "\r\n\r\n").encode(), deadline)
        finally:
            connection.close()
        if answer.status != 200:
            raise NoCredentials(f"status {answer.status}")
        said = json.loads(answer.body)
        ends = datetime.fromisoformat(said["Expiration"]).astimezone(UTC)
        return Credentials(said["AccessKeyId"], said["SecretAccessKey"], said.get("Token")), ends

    def _token(self) -> str | None:
        file = self.env.get(_TOKEN_FILE)
        token = Path(file).read_text().strip() if file else self.env.get(_TOKEN)
        if token is not None and not token.isprintable():
            raise ValueError("the token is no value of a header")
        return token

"""The credentials of a function: those of its environment, or those of the container's own address,
which SnapStart needs because a snapshot outlives the credentials of its environment."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

from shared.aws_signature import Credentials

Source = Callable[[datetime], Credentials]
"""Returns the credentials to use at a time."""

_FULL, _RELATIVE = "AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"
_TOKEN, _TOKEN_FILE = "AWS_CONTAINER_AUTHORIZATION_TOKEN", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"
_CONTAINER = "http://169.254.170.2"
_REFRESH_BEFORE = timedelta(minutes=5)
_TIMEOUT_S = 2.0


class NoCredentials(Exception):
    """The container's address did not give credentials."""


def source(env: Mapping[str, str]) -> Source | None:
    """Returns where the credentials come from, or None where they come from somewhere that only the
    SDK knows, such as a profile of a person."""
    if env.get("AWS_PROFILE"):
        return None
    access_key, secret_key = env.get("AWS_ACCESS_KEY_ID"), env.get("AWS_SECRET_ACCESS_KEY")
    if access_key and secret_key:
        fixed = Credentials(access_key, secret_key, env.get("AWS_SESSION_TOKEN") or None)
        return lambda _: fixed
    address = env.get(_FULL) or (f"{_CONTAINER}{env[_RELATIVE]}" if env.get(_RELATIVE) else None)
    if address is None:
        return None
    return _Container(address, env.get(_TOKEN), env.get(_TOKEN_FILE)).at


@dataclass(slots=True)
class _Container:
    """Credentials from the container's address. They are asked for again shortly before they
    expire."""

    address: str
    token: str | None
    token_file: str | None
    _known: tuple[Credentials, datetime] | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def at(self, now: datetime) -> Credentials:
        known = self._known
        if known is None or now >= known[1] - _REFRESH_BEFORE:
            with self._lock:
                known = self._known
                if known is None or now >= known[1] - _REFRESH_BEFORE:
                    known = self._known = self._asked()
        return known[0]

    def _asked(self) -> tuple[Credentials, datetime]:
        place = urlsplit(self.address)
        secure = place.scheme == "https"
        kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
        connection = kind(place.netloc, timeout=_TIMEOUT_S)
        token = Path(self.token_file).read_text().strip() if self.token_file else self.token
        try:
            path = f"{place.path}?{place.query}" if place.query else place.path
            connection.request("GET", path, headers={"Authorization": token} if token else {})
            answer = connection.getresponse()
            body = answer.read()
        except OSError as error:
            raise NoCredentials(type(error).__name__) from None
        finally:
            connection.close()
        if answer.status != 200:
            raise NoCredentials(f"status {answer.status}")
        said = json.loads(body)
        ends = datetime.fromisoformat(said["Expiration"]).astimezone(UTC)
        credentials = Credentials(said["AccessKeyId"], said["SecretAccessKey"], said.get("Token"))
        return credentials, ends

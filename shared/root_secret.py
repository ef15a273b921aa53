"""The secret of a deployment: the root of the keyed hashes, and the keys that sign page tokens.

The root never changes, because every key of the table derives from it. The keys of page tokens can
be rotated at any time: the first one signs, and the one before it is still accepted. The secret is
read once per process, and again where a token has a signature that this process does not know.
"""

from __future__ import annotations

import json
import threading
import time
from dataclasses import dataclass

from shared import clients
from shared.settings import settings

ACCEPTED = 2
"""How many keys of page tokens are accepted at once."""
READ_AGAIN_S = 60.0
"""How long a process keeps what it has read, at least. So invented tokens cause few reads."""


@dataclass(frozen=True, slots=True)
class RootSecret:
    """``token_keys``: those that were made by a rotation, the newest first."""

    root: bytes
    token_keys: tuple[str, ...] = ()

    @classmethod
    def of(cls, text: str) -> RootSecret:
        """Returns the secret of a stored text: JSON, or the bare root where no key of page tokens
        was ever rotated."""
        if not text.startswith("{"):
            return cls(text.encode())
        said = json.loads(text)
        return cls(str(said["root"]).encode(), tuple(said["token_keys"]))

    @property
    def text(self) -> str:
        return json.dumps({"root": self.root.decode(), "token_keys": list(self.token_keys)})

    def rotated(self, new_key: str) -> RootSecret:
        """Returns the secret with a new key of page tokens, and the one before it."""
        return RootSecret(self.root, (new_key, *self.token_keys)[:ACCEPTED])


@dataclass(slots=True)
class _Read:
    secret: RootSecret
    at: float


_lock = threading.Lock()
_read: list[_Read] = []


def secret() -> RootSecret:
    """Returns the secret. It is read at first use, and never at import."""
    if not _read:
        with _lock:
            if not _read:
                _read.append(_now())
    return _read[0].secret


def has_changed() -> bool:
    """Reads the secret again, unless that was done a short while ago. Returns whether it is another
    one now."""
    before = secret()
    if settings().root_secret is not None:
        return False
    with _lock:
        if time.monotonic() - _read[0].at >= READ_AGAIN_S:
            _read[0] = _now()
    return _read[0].secret != before


def forget_secret() -> None:
    """Forgets what was read. For tests."""
    with _lock:
        _read.clear()


def _now() -> _Read:
    here = settings()
    if here.root_secret is not None:
        return _Read(RootSecret(here.root_secret.encode()), time.monotonic())
    answer = clients.secrets().get_secret_value(SecretId=here.root_secret_arn)
    return _Read(RootSecret.of(str(answer["SecretString"])), time.monotonic())

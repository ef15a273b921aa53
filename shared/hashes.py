"""Keyed hashes: what a key, a log or an answer must not reveal is there only as one of these.

HMAC-SHA-256 under keys that are derived from one root. The root never rotates: after a rotation no
stored key could be computed again. Page tokens have keys of their own, which do
(``shared.root_secret``).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from functools import cache

from shared import root_secret


@cache
def root() -> bytes:
    """Returns the root of every keyed hash."""
    return root_secret.secret().root


def keyed(key: bytes, parts: tuple[str, ...]) -> bytes:
    """Returns the keyed hash of the parts, 256 bits."""
    # Each part has its length in front: ("a", "bc") and ("ab", "c") must have different hashes.
    text = "".join(f"{len(part)}:{part}" for part in parts)
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


def short(whole: bytes) -> str:
    """Returns the first 128 bits of a hash as text, in base 32."""
    return base64.b32encode(whole[:16]).decode().rstrip("=")


@cache
def _secret_key() -> bytes:
    return keyed(root(), ("credential",))


def secret_hash(secret: str) -> str:
    """Returns the keyed hash under which the secret of a session or API key is stored."""
    return short(keyed(_secret_key(), ("secret", secret)))


def fingerprint(secret: str) -> str:
    """Returns a text that is always the same for one secret and does not reveal it. Answers, logs
    and events may show it."""
    return short(keyed(_secret_key(), ("fingerprint", secret)))[:20].lower()


def token_signature(text: str) -> bytes:
    """Returns the signature of the text of a page token."""
    return _signatures(text)[0]


def is_token_signature(signature: bytes, text: str) -> bool:
    """Returns whether a page token of this text was signed by the service. Another process may have
    signed it with a newer key than this one knows."""
    if _is_one_of(signature, _signatures(text)):
        return True
    return root_secret.has_changed() and _is_one_of(signature, _signatures(text))


def _signatures(text: str) -> list[bytes]:
    """Returns the signatures that are accepted, the newest key's first. Before the first rotation,
    and until the second, a key that derives from the root is among them."""
    keys = [key.encode() for key in root_secret.secret().token_keys]
    accepted = [*keys, _secret_key()][: root_secret.ACCEPTED]
    return [keyed(key, ("token", text))[:16] for key in accepted]


def _is_one_of(signature: bytes, accepted: list[bytes]) -> bool:
    # Every one is compared, so that the time does not tell which one it is.
    return sum(hmac.compare_digest(signature, one) for one in accepted) > 0

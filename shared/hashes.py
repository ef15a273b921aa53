"""Keyed hashes: what a key, a log or an answer must not reveal is there only as one of these.

HMAC-SHA-256 under keys that are derived from one root. The root never rotates: after a rotation no
stored key could be computed again.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from functools import cache

from shared import clients
from shared.settings import settings


@cache
def root() -> bytes:
    """Returns the root of every keyed hash. It is read once per process, and never at import."""
    here = settings()
    if here.root_secret is not None:
        return here.root_secret.encode()
    answer = clients.secrets().get_secret_value(SecretId=here.root_secret_arn)
    return str(answer["SecretString"]).encode()


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
    return keyed(_secret_key(), ("token", text))[:16]

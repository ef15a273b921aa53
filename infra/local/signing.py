"""The key that signs receipts on this machine, in place of the key service, and the check of a
receipt. The check needs the public key and no service, so it works for deployed receipts too."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils

from infra.local.identities import Refused
from shared import clients
from shared.settings import settings

_DIGEST = ec.ECDSA(utils.Prehashed(hashes.SHA256()))


_FIRST = "local"
"""The id of the first key, as the settings have it by default."""


class FileKey:
    """Private keys in files beside one another, which only their owner may read; without a place,
    some for this process. The methods take and return what those of the key service do. A key is
    made when it first signs."""

    def __init__(self, place: Path | None = None) -> None:
        self.place = place
        self._keys: dict[str, ec.EllipticCurvePrivateKey] = {}

    def sign(
        self, *, KeyId: str, Message: bytes, MessageType: str, SigningAlgorithm: str
    ) -> dict[str, Any]:
        assert (MessageType, SigningAlgorithm) == ("DIGEST", "ECDSA_SHA_256")
        return {
            "KeyId": KeyId,
            "Signature": self._key(KeyId).sign(Message, _DIGEST),
            "SigningAlgorithm": SigningAlgorithm,
        }

    def get_public_key(self, *, KeyId: str) -> dict[str, Any]:
        place = self._file(KeyId)
        if place is not None and KeyId != _FIRST and not place.exists():
            raise LookupError(KeyId)
        form = serialization.PublicFormat.SubjectPublicKeyInfo
        der = self._key(KeyId).public_key().public_bytes(serialization.Encoding.DER, form)
        return {"KeyId": KeyId, "PublicKey": der}

    def _key(self, key_id: str) -> ec.EllipticCurvePrivateKey:
        if key_id not in self._keys:
            self._keys[key_id] = _stored(self._file(key_id))
        return self._keys[key_id]

    def _file(self, key_id: str) -> Path | None:
        if self.place is None or key_id == _FIRST:
            return self.place
        return self.place.with_name(f"{self.place.stem}-{key_id}{self.place.suffix}")


def public_key(key_id: str | None = None) -> str:
    """Returns the public half of a key of the receipts as PEM, from the key service or from this
    machine. Without an id: of the key that signs now."""
    try:
        answer = clients.keys().get_public_key(KeyId=key_id or settings().receipt_key_id)
    except (LookupError, ClientError) as error:
        raise Refused(f"there is no such key: {error}") from None
    key = serialization.load_der_public_key(answer["PublicKey"])
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_bytes(serialization.Encoding.PEM, form).decode()


def verifies(public_key: str, digest: bytes, signature: str) -> bool:
    """Returns whether a signature (base 64) of a digest is that of the key (PEM)."""
    key = serialization.load_pem_public_key(public_key.encode())
    assert isinstance(key, ec.EllipticCurvePublicKey), "receipts are signed with an elliptic curve"
    try:
        key.verify(base64.b64decode(signature, validate=True), digest, _DIGEST)
    except (InvalidSignature, ValueError):
        return False
    return True


def _stored(place: Path | None) -> ec.EllipticCurvePrivateKey:
    """Returns the key of the file. Makes the file where there is none."""
    if place is None:
        return ec.generate_private_key(ec.SECP256R1())
    if not place.exists():
        made = ec.generate_private_key(ec.SECP256R1())
        place.parent.mkdir(parents=True, exist_ok=True)
        place.touch(mode=0o600)
        place.write_bytes(
            made.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
    key = serialization.load_pem_private_key(place.read_bytes(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey), f"{place} is no elliptic-curve key"
    return key

"""The key that signs receipts on this machine, in place of the key service, and the check of a
receipt. The check needs the public key and no service, so it works for deployed receipts too."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils

from shared import clients
from shared.settings import settings

_DIGEST = ec.ECDSA(utils.Prehashed(hashes.SHA256()))


class FileKey:
    """A private key in a file, which only its owner may read; without a file, one for this process.
    The methods take and return what those of the key service do."""

    def __init__(self, place: Path | None = None) -> None:
        self.place = place
        self._key = _stored(place) if place is not None else ec.generate_private_key(ec.SECP256R1())

    def sign(
        self, *, KeyId: str, Message: bytes, MessageType: str, SigningAlgorithm: str
    ) -> dict[str, Any]:
        assert (MessageType, SigningAlgorithm) == ("DIGEST", "ECDSA_SHA_256")
        return {
            "KeyId": KeyId,
            "Signature": self._key.sign(Message, _DIGEST),
            "SigningAlgorithm": SigningAlgorithm,
        }

    def get_public_key(self, *, KeyId: str) -> dict[str, Any]:
        form = serialization.PublicFormat.SubjectPublicKeyInfo
        der = self._key.public_key().public_bytes(serialization.Encoding.DER, form)
        return {"KeyId": KeyId, "PublicKey": der}


def public_key() -> str:
    """Returns the public key of the receipts as PEM, from the key service or from this machine."""
    answer = clients.keys().get_public_key(KeyId=settings().receipt_key_id)
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


def _stored(place: Path) -> ec.EllipticCurvePrivateKey:
    """Returns the key of the file. Makes the file where there is none."""
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

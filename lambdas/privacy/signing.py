"""The signature of a receipt: ECDSA on the curve P-256 over the SHA-256 of the signed text. On AWS
the private key never leaves the key service; whoever has the public key can verify a receipt
without any service."""

from __future__ import annotations

import base64

from lambdas.privacy.models.records import ReceiptProof
from lambdas.privacy.rules.receipt import digest_of
from shared import clients
from shared.settings import settings

ALGORITHM = "ECDSA_SHA_256"


def signed(text: bytes) -> ReceiptProof:
    """Returns the proof of a receipt."""
    digest = digest_of(text)
    answer = clients.keys().sign(
        KeyId=settings().receipt_key_id,
        Message=digest,
        MessageType="DIGEST",
        SigningAlgorithm=ALGORITHM,
    )
    return ReceiptProof(
        digest=digest.hex(),
        signature=base64.b64encode(answer["Signature"]).decode(),
        key_id=str(answer["KeyId"]),
    )

"""The receipt of a deletion: what became of each kind of record, and the text that is signed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from lambdas.privacy.models.records import ReceiptLine
from shared.fields import instant_shown
from shared.kinds import Kind

ERASURE = "erasure-request"
BEARER = "belongs-to-bearer"
"""Why a kind was deleted or redacted, and why a card stays."""


def receipt_of(counts: Mapping[str, int], kinds: Iterable[Kind]) -> dict[str, ReceiptLine]:
    """Returns a line for each business kind of which there were records. ``counts``: how many, by
    the name of the kind."""
    lines = {}
    for kind in kinds:
        count = counts.get(kind.name, 0)
        if count == 0 or not kind.business:
            continue
        match kind.erasure:
            case "delete":
                lines[kind.name] = ReceiptLine(deleted=count, basis=ERASURE)
            case "redact":
                lines[kind.name] = ReceiptLine(redacted=count, basis=ERASURE)
            case "unlink":
                lines[kind.name] = ReceiptLine(unlinked=count, basis=BEARER)
            case _:
                raise ValueError(f"a customer has records of a kind that is kept: {kind.name}")
    return lines


def items_deleted(receipt: Mapping[str, ReceiptLine]) -> int:
    return sum(line.deleted for line in receipt.values())


def shown_lines(receipt: Mapping[str, ReceiptLine]) -> dict[str, dict[str, Any]]:
    """Returns the lines as answers, events and the signed text have them."""
    return {
        name: {
            "deleted": line.deleted,
            "kept": line.kept,
            "redacted": line.redacted,
            "unlinked": line.unlinked,
            "basis": line.basis,
        }
        for name, line in sorted(receipt.items())
    }


def signed_text(
    orgcode: str, customer_guid: str, deleted_at: datetime, receipt: Mapping[str, ReceiptLine]
) -> bytes:
    """Returns the bytes that the signature covers."""
    return text_of(orgcode, customer_guid, instant_shown(deleted_at), shown_lines(receipt))


def text_of(
    orgcode: str, customer_guid: str, deleted_at: str, receipt: Mapping[str, Mapping[str, Any]]
) -> bytes:
    """Returns the bytes that the signature covers, from the values of an answer: JSON without
    spaces, with sorted keys."""
    said = {
        "orgcode": orgcode,
        "customer_guid": customer_guid,
        "deleted_at": deleted_at,
        "receipt": receipt,
    }
    return json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()


def digest_of(text: bytes) -> bytes:
    """Returns the SHA-256 of the signed text. This is what the key signs."""
    return hashlib.sha256(text).digest()

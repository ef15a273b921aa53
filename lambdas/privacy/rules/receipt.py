"""The receipt of a deletion: what became of each kind of record, and the text that is signed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from lambdas.privacy.models.records import ReceiptLine
from shared.fields import instant_shown
from shared.kinds import Erasure, Kind

ERASURE = "erasure-request"
BEARER = "belongs-to-bearer"
LEGAL_MINIMUM = "legal-minimum"
"""Why a kind was deleted or redacted, why a card stays, and why records are kept for a time."""
FATES: tuple[Erasure, ...] = ("delete", "redact", "keep", "unlink")


def counted_as(kind: Kind, fate: Erasure | None) -> str:
    """Returns the name under which a record is counted. ``fate``: what becomes of it, where that is
    not the rule of its kind."""
    return kind.name if fate in (None, kind.erasure) else f"{kind.name}/{fate}"


def receipt_of(counts: Mapping[str, int], kinds: Iterable[Kind]) -> dict[str, ReceiptLine]:
    """Returns a line for each business kind of which there were records. ``counts``: how many, by
    the names that ``counted_as`` gives."""
    lines = {}
    for kind in kinds:
        if not kind.business:
            continue
        numbers = {fate: counts.get(counted_as(kind, fate), 0) for fate in FATES}
        if not any(numbers.values()):
            continue
        if kind.erasure == "keep":
            raise ValueError(f"a customer has records of a kind that is kept: {kind.name}")
        lines[kind.name] = ReceiptLine(
            deleted=numbers["delete"],
            kept=numbers["keep"],
            redacted=numbers["redact"],
            unlinked=numbers["unlink"],
            basis=_basis(numbers),
        )
    return lines


def _basis(numbers: Mapping[Erasure, int]) -> str:
    if numbers["keep"]:
        return LEGAL_MINIMUM
    return BEARER if numbers["unlink"] else ERASURE


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

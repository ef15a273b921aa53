"""What a deletion keeps because a law wants it for a time: records without the person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from lambdas.privacy.models.records import KeptRecord
from lambdas.privacy.rules.redaction import scrubbed
from shared.codec import shown
from shared.kinds import Kind

NAMES = frozenset({"customer_guid", "customer_id", "owner", "fenced_by"})
"""The fields that name the customer, or the deletion."""


def kept_until(
    kind: Kind, record: Any, minimum_days: Mapping[str, int], since: datetime
) -> datetime | None:
    """Returns until when a record is kept although its customer is deleted ``since`` then; None:
    it goes at once. ``minimum_days``: by the kinds of the retention policy."""
    days = minimum_days.get(kind.retained or "")
    if days is None or not kind.business:
        return None
    born: datetime = getattr(record, kind.born_at)
    until = born + timedelta(days=days)
    return until if until > since else None


def without_person(kind: Kind, record: Any, owners: Sequence[str], until: datetime) -> KeptRecord:
    """Returns what is kept of a record: no personal field, nothing that people wrote, no hash, and
    no id that contains the id of one of the customers."""
    hidden = {name.rpartition(".")[2] for name in kind.personal} | NAMES | {*kind.hidden}
    marks = tuple(owner.rpartition("_")[2] for owner in owners)
    data = _without_marks(scrubbed(shown(record), hidden), marks)
    return KeptRecord(kind=kind.name, record=data, kept_until=until)


def _without_marks(value: Any, marks: tuple[str, ...]) -> Any:
    """Returns a value without the texts that contain one of the marks, at any depth."""
    if isinstance(value, Mapping):
        inner = {name: _without_marks(one, marks) for name, one in value.items()}
        return {name: one for name, one in inner.items() if one is not None}
    if isinstance(value, list):
        return [one for one in (_without_marks(v, marks) for v in value) if one is not None]
    if isinstance(value, str) and any(mark in value for mark in marks):
        return None
    return value

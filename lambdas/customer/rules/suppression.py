"""The org's own refusals, one per e-mail or phone: whose they are is not stored.

A refusal is made by a call without a customer (STOP from a phone that several people share), and by
the erasure of a customer. It refuses all contact at that time, wherever the contact point is stored
again. After an erasure it also stops a silent return of the value, where the value is unique.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from lambdas.customer.models.records import SuppressionRecord
from lambdas.customer.models.requests import ConsentIn
from shared.contact_points import normal_contact_point

PointKind = Literal["email", "phone", "other"]


@dataclass(frozen=True, slots=True)
class Lifting:
    """What lets a deleted customer's e-mail or phone come back: a privacy role (``whole``), or a
    consent that was granted after the deletion."""

    whole: bool = False
    consented_at: datetime | None = None


def lifting_of(*, override: bool, consents: Iterable[ConsentIn], now: datetime) -> Lifting:
    """Returns what a call lifts. A consent counts with its stated time only, and a future time
    counts as now."""
    granted = [
        min(one.effective_at, now)
        for one in consents
        if one.consent_state == "granted" and one.effective_at is not None
    ]
    return Lifting(override, max(granted, default=None))


def place_of(contact_point: str) -> tuple[PointKind, str]:
    """Returns the kind of a contact point and the form in which it is compared. ``contact_point``
    is as records hold it: a phone is E.164."""
    point = normal_contact_point(contact_point)
    if "@" in point:
        return "email", point
    return ("phone" if point.startswith("+") else "other"), point


def with_refusal(record: SuppressionRecord | None, at: datetime) -> SuppressionRecord:
    """Returns the record after a refusal at that time. No time in it ever moves backward. Returns
    the same object where nothing changes."""
    if record is None:
        return SuppressionRecord(refused_at=at)
    if at <= record.refused_at:
        return record
    return replace(record, refused_at=at, revision=record.revision + 1)


def with_erasure(record: SuppressionRecord | None, at: datetime) -> SuppressionRecord:
    """Returns the record after the erasure of a customer who had the value. No time in it ever
    moves backward. Returns the same object where nothing changes."""
    refused = with_refusal(record, at)
    if refused.erased_at is not None and at <= refused.erased_at:
        return refused
    revision = 1 if record is None else record.revision + 1
    return replace(refused, erased_at=at, revision=revision)

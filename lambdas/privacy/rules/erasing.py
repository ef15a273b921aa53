"""What an erasure does to one record. Values in, values out.

A deletion removes the record, or cuts it off from its customer. An anonymization takes away what is
personal, and leaves what analysis needs: points, scores, states and times.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from lambdas.customer.models.records import ConsentCurrentRecord, CustomerProfileRecord
from lambdas.customer.rules.consent import is_refusal
from lambdas.customer.rules.consent_sides import own_points
from lambdas.customer.rules.profile import lookups
from lambdas.customer.rules.suppression import place_of
from lambdas.privacy.rules.redaction import NewText, redacted, scrubbed
from shared.kinds import Kind
from shared.ledger import LotPage

SAID = frozenset({"reason", "source_refs", "note"})
"""What people wrote into answers, beside the personal fields of records."""


def personal_names(kinds: Iterable[Kind]) -> frozenset[str]:
    """Returns the names under which answers may show something personal."""
    return SAID | {name.rpartition(".")[2] for kind in kinds for name in kind.personal}


def ended(kind: Kind, record: Any, new_text: NewText, now: datetime) -> Any:
    """Returns a record elsewhere as the deletion of its customer leaves it."""
    after = record if kind.ends is None else kind.ends(record)
    return revised(record, redacted(after, new_text), now)


def anonymized(kind: Kind, record: Any, new_text: NewText, now: datetime) -> Any:
    """Returns a record as the anonymization of its customer leaves it. What only a customer sees
    keeps its revision: nobody may write to it meanwhile, and it has not changed otherwise."""
    after = record if kind.anonymized is None else kind.anonymized(record, now)
    after = redacted(after, new_text)
    return revised(record, after, now) if kind.named_by is not None else after


def revised(before: Any, after: Any, now: datetime) -> Any:
    """Returns the next revision of a record that others see; the same where nothing changed."""
    if after == before or not hasattr(before, "revision"):
        return before if after == before else after
    times = {"updated_at": now} if hasattr(before, "updated_at") else {}
    return replace(after, revision=before.revision + 1, **times)


def opted_out(profile: CustomerProfileRecord, consents: Iterable[ConsentCurrentRecord]) -> set[str]:
    """Returns the e-mails and phones of a customer for which any contact was refused, in the form
    in which they are found."""
    points = {one.value for one in lookups(profile) if one.kind in ("email", "phone")}
    refused: set[str] = set()
    for consent in consents:
        said = consent.decision
        if not is_refusal(said):
            continue
        if said.contact_point is not None:
            refused.add(place_of(said.contact_point)[1])
        elif said.channel is None:
            refused |= points
        else:
            refused |= {*own_points(said.channel, sorted(points))}
    return refused


def anonymized_profile(
    profile: CustomerProfileRecord, status: str, new_text: NewText, now: datetime
) -> CustomerProfileRecord:
    """Returns an anonymized profile. A profile that is one already stays as it is, so that a job
    may be repeated."""
    if profile.status == "anonymized":
        return profile
    after: CustomerProfileRecord = redacted(profile, new_text)
    # Hashes of what it was found by.
    after = replace(after, places=(), borrowed=())
    if after == profile and status == profile.status:
        return profile
    return replace(after, status=status, revision=profile.revision + 1, updated_at=now)


def without_personal(
    data: Mapping[str, Any], names: Collection[str], records: Mapping[str, Mapping[str, Any]]
) -> dict[str, Any]:
    """Returns a kept answer as it is told after an erasure. ``records``: the redacted records as
    answers show them, by the member of the answer. Everything else loses what is personal."""
    told = {}
    for name, value in data.items():
        if name in records and isinstance(value, dict):
            whole = records[name]
            told[name] = {k: whole[k] for k in [*value, "status"] if k in whole}
        elif name not in names:
            told[name] = scrubbed(value, names)
    return told


def lost_points(page: LotPage, now: datetime) -> dict[str, int]:
    """Returns the points that are lost with a page of lots, by policy version. Points that have
    expired were lost before."""
    lost: dict[str, int] = {}
    for lot in page.lots:
        if lot.remaining and lot.terms.condition(now) != "expired":
            version = lot.terms.policy_version or "-"
            lost[version] = lost.get(version, 0) + lot.remaining
    return lost

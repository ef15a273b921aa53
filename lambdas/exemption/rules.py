"""What a certificate is worth on a day, which steps it may take, and who may have a code. Values
in, values out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from lambdas.exemption.models.records import (
    CertificateCodeRecord,
    CertificateRecord,
    CodeHolder,
    Jurisdiction,
)
from shared.errors import InvalidInput, InvalidState
from shared.states import next_revision, require_step, steps

STEPS = steps(
    {
        "pending": "active rejected",
        "active": "revoked superseded",
        "rejected": "",
        "revoked": "",
        "superseded": "",
    }
)
SOON = timedelta(days=60)
"""How long before its last day a certificate counts as expiring soon."""
ONE_DAY = timedelta(days=1)
FIRST_DAY = date.min + ONE_DAY
BEST = ("expired", "not_yet_valid", "expiring_soon", "active")
"""What follows from the calendar, the best last."""
EVERYWHERE = "-"
"""Stands for the place of a certificate that names no jurisdiction."""
MOST_HOLDERS = 400
"""How many places one owner's code may have: they are stored in one record."""

# ---------------------------------------------------------------- on a day


@dataclass(frozen=True, slots=True)
class Period:
    """Days, both included; None: without a beginning, without an end."""

    first: date | None
    last: date | None


def period_in(certificate: CertificateRecord, place: Jurisdiction | None) -> Period:
    """Returns when a certificate counts in a jurisdiction; None: everywhere."""
    if place is None:
        return Period(certificate.valid_from, certificate.valid_to)
    first, last = certificate.valid_from, certificate.valid_to
    return Period(place.valid_from or first, place.valid_to or last)


def periods_of(certificate: CertificateRecord) -> tuple[Period, ...]:
    """Returns each different period of a certificate once."""
    places = certificate.jurisdictions or (None,)
    return tuple(dict.fromkeys(period_in(certificate, place) for place in places))


def ended_on(certificate: CertificateRecord) -> date | None:
    """Returns the first day on which a certificate no longer counts because somebody ended it."""
    return certificate.revoked_on or certificate.superseded_on


def status_in(status: str, ended_on: date | None, period: Period, day: date) -> str:
    """Returns what a status means on a day, in a place with this period."""
    if status == "rejected" or (ended_on is not None and day >= ended_on):
        return status
    if status == "pending":
        return status
    last = last_in(period, ended_on)
    if last is not None and last < day:
        return "expired"
    if period.first is not None and day < period.first:
        return "not_yet_valid"
    return "expiring_soon" if last is not None and last - day <= SOON else "active"


def effective_status(
    status: str, ended_on: date | None, periods: Iterable[Period], day: date
) -> str:
    """Returns the best of what a status means on a day."""
    found = {status_in(status, ended_on, period, day) for period in periods}
    return next((one for one in reversed(BEST) if one in found), status)


def is_asked(asked: str | None, effective: str) -> bool:
    """Whether a filter lets an effective status pass."""
    return asked in (None, effective) or (asked, effective) == ("active", "expiring_soon")


def days_of(asked: str, day: date) -> tuple[date | None, date | None]:
    """Returns between which last days all certificates lie that have this effective status on a
    day; None: no bound."""
    if asked in ("active", "expiring_soon", "not_yet_valid"):
        return day, None
    return (
        (None, None) if asked in ("pending", "rejected") else (None, max(day, FIRST_DAY) - ONE_DAY)
    )


def last_day(certificate: CertificateRecord) -> date | None:
    """Returns the last day on which a certificate counts anywhere; None: there is no end yet."""
    return latest(last_in(period, ended_on(certificate)) for period in periods_of(certificate))


def latest(days: Iterable[date | None]) -> date | None:
    """Returns the latest of some last days; None: one of them has no end."""
    found = list(days)
    return None if None in found else max(day for day in found if day is not None)


def last_in(period: Period, ended_on: date | None) -> date | None:
    """Returns the last day of a period that counts; None: without an end."""
    ends = [day for day in (period.last, ended_on and ended_on - ONE_DAY) if day is not None]
    return min(ends, default=None)


# ---------------------------------------------------------------- steps


def created(certificate: CertificateRecord) -> CertificateRecord:
    """Returns a new certificate with the day that follows from the others."""
    return replace(certificate, last_day=last_day(certificate))


def with_status(
    certificate: CertificateRecord,
    status: str,
    today: date,
    now: datetime,
    *,
    ends_on: date | None = None,
) -> CertificateRecord:
    """Returns the certificate with the status; the very same object where it has it already. What
    ends does so ``ends_on`` a day, by default today, and counts until the day before."""
    require_step(STEPS, certificate.status, status)
    if certificate.status == status:
        if ends_on not in (None, ended_on(certificate)):
            detail = {"state": status, "allowed": [], f"{status}_on": str(ended_on(certificate))}
            raise InvalidState(f"The certificate is {status} already.", detail=detail)
        return certificate
    day = today if ends_on is None else ends_on
    if day < today:
        # What counted until now was relied on.
        raise InvalidInput.of(f"{status}_on", "must not lie in the past", "past")
    ends = {f"{status}_on": day} if status in ("revoked", "superseded") else {}
    after = next_revision(certificate, now, status=status, **ends)
    # One that never counts ages from the day on which that was said.
    return replace(after, last_day=today if status == "rejected" else last_day(after))


def superseded(
    certificate: CertificateRecord, today: date, now: datetime, *, on: date
) -> CertificateRecord:
    """Returns the certificate as another one takes its place, from a day on. Only an active one can
    be superseded, and only once."""
    if certificate.status == "superseded":
        raise InvalidState(detail={"state": "superseded", "allowed": []})
    return with_status(certificate, "superseded", today, now, ends_on=on)


def changes(certificate: CertificateRecord, status: str) -> bool:
    """Whether this status can be set, and is another one."""
    return status in STEPS[certificate.status]


def owned_by(certificate: CertificateRecord, customer_guid: str) -> CertificateRecord:
    return replace(certificate, customer_guid=customer_guid)


def as_created(certificate: CertificateRecord) -> CertificateRecord:
    """Returns a certificate as it was created: a repeat of the creation gets it."""
    first = replace(
        certificate,
        status=certificate.first_status,
        revoked_on=None,
        superseded_on=None,
        revision=1,
        updated_at=certificate.created_at,
    )
    return created(first)


def is_repeat(
    there: CertificateRecord, asked: CertificateRecord, *, is_same_customer: bool
) -> bool:
    """Whether a creation asks for the certificate that is there."""
    apart: dict[str, Any] = {
        "certificate_id": there.certificate_id,
        "customer_guid": there.customer_guid,
        "fenced_by": None,
        "created_at": there.created_at,
        "updated_at": there.created_at,
    }
    first, sent = replace(as_created(there), **apart), replace(asked, **apart)
    # A code in another case is the same code, and jurisdictions have no order.
    return is_same_customer and _compared(first) == _compared(sent)


def _compared(certificate: CertificateRecord) -> CertificateRecord:
    places = sorted(certificate.jurisdictions, key=place_of)
    code, before = certificate.certificate_code.upper(), certificate.supersedes
    return replace(
        certificate,
        certificate_code=code,
        jurisdictions=tuple(places),
        supersedes=before and before.upper(),
    )


# ---------------------------------------------------------------- codes


def place_of(jurisdiction: Jurisdiction) -> str:
    """Returns a jurisdiction as a code: a country, or a country and its part."""
    parts = (jurisdiction.country, jurisdiction.region)
    return "-".join(part for part in parts if part is not None)


def places_of(certificate: CertificateRecord) -> dict[str, Period]:
    """Returns the places of a certificate, each with its period."""
    if not certificate.jurisdictions:
        return {EVERYWHERE: period_in(certificate, None)}
    return {place_of(one): period_in(certificate, one) for one in certificate.jurisdictions}


def codes_of(certificate: CertificateRecord) -> list[str] | None:
    """Returns the jurisdictions of a certificate as codes; None: everywhere."""
    return [place_of(one) for one in certificate.jurisdictions] or None


def holders_in_the_way(
    code: CertificateCodeRecord | None, asked: CertificateRecord, today: date
) -> list[str]:
    """Returns the certificates that have the code in a place that another one asks for, as far as
    the record of the code knows. One that the new certificate supersedes is not in its way."""
    if code is None:
        return []
    gone = (asked.supersedes or "").upper()
    found = [
        holder.certificate_id
        for place in places_of(asked)
        if (holder := code.holders.get(place)) is not None
        and holder.certificate_id.upper() != gone
        and _lasts(holder.last_day, today)
    ]
    return list(dict.fromkeys(found))


def is_in_the_way(there: CertificateRecord, asked: CertificateRecord, today: date) -> bool:
    """Whether a certificate still has a place that another one of the same code asks for."""
    if there.status == "rejected":
        return False
    ours, ended = places_of(asked), ended_on(there)
    return any(
        _lasts(last_in(period, ended), today)
        for place, period in places_of(there).items()
        if place in ours
    )


def with_holder(
    code: CertificateCodeRecord | None, certificate: CertificateRecord, today: date
) -> CertificateCodeRecord:
    """Returns the record of a code with one more certificate. What has ended is left out."""
    before: Mapping[str, CodeHolder] = {} if code is None else code.holders
    kept = {place: one for place, one in before.items() if _lasts(one.last_day, today)}
    own = {
        place: CodeHolder(certificate_id=certificate.certificate_id, last_day=period.last)
        for place, period in places_of(certificate).items()
    }
    holders = {**kept, **own}
    if len(holders) > MOST_HOLDERS:
        raise InvalidState(
            "The code is in use in too many jurisdictions.", detail={"most": MOST_HOLDERS}
        )
    revision = 1 if code is None else code.revision + 1
    return CertificateCodeRecord(holders=holders, revision=revision)


def without_holder(
    code: CertificateCodeRecord, certificate_id: str
) -> CertificateCodeRecord | None:
    """Returns the record of a code without a certificate that is removed; the very same object
    where the certificate does not have the code, and None where no other one has it."""
    others = {p: one for p, one in code.holders.items() if one.certificate_id != certificate_id}
    if len(others) == len(code.holders):
        return code
    return replace(code, holders=others, revision=code.revision + 1) if others else None


def _lasts(last: date | None, today: date) -> bool:
    return last is None or last >= today

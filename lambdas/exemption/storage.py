"""Where the records of the certificates lie, and how answers show them."""

from __future__ import annotations

from datetime import date
from typing import Any

from lambdas.exemption import rules
from lambdas.exemption.models.envelopes import CertificateSummary
from lambdas.exemption.models.records import (
    CertificateCodeRecord,
    CertificateLinkRecord,
    CertificateRecord,
)
from shared.codec import Item, shown
from shared.commit import Subject
from shared.fields import instant_text
from shared.keys import ALL_OF_KIND, BY_STATUS, LAST, SECOND_ORDER, Key, Keys
from shared.paging import Listing
from shared.records import Get

KIND = CertificateRecord.KIND
HIDDEN = ("first_status", "last_day", "fenced_by")
"""The fields that no answer shows."""
EVER_ACTIVE = "ever-active"
"""The list of the certificates that were active at some time. Which of them still are is for the
calendar to say."""
NO_END = date.max

# ---------------------------------------------------------------- places


def certificate_at(keys: Keys, certificate_id: str) -> Get[CertificateRecord]:
    return Get(keys.certificate(certificate_id), CertificateRecord)


def code_at(keys: Keys, owner: str | None, code: str) -> Get[CertificateCodeRecord]:
    """Returns the read of who has a code of one owner. Those without an owner are as of one."""
    value = f"{owner or '-'} {code.upper()}"
    return Get(keys.unique("certificate-code", value), CertificateCodeRecord)


def code_keys(keys: Keys, certificate: CertificateRecord) -> tuple[Key]:
    """Returns the key under which the code of a certificate is taken."""
    owner = certificate.customer_guid or certificate.account_guid
    return (code_at(keys, owner, certificate.certificate_code).key,)


def named(keys: Keys, certificate_id: str) -> str:
    """Returns what stands for a certificate in a key: what its creator chose may say anything."""
    return keys.hash(KIND, certificate_id.upper())


def subject(keys: Keys, certificate_id: str) -> Subject:
    """Returns what an answer about a certificate speaks of. The answer is kept beside it."""
    partition, _ = keys.certificate(certificate_id)
    return Subject(partition, named(keys, certificate_id))


# ---------------------------------------------------------------- items


def certificate_item(keys: Keys, certificate: CertificateRecord) -> Item[CertificateRecord]:
    """Returns a certificate in its place and in its lists. ``periods`` of the view are what its
    effective status follows from."""
    name = named(keys, certificate.certificate_id)
    by_creation = f"{instant_text(certificate.created_at)}#{name}"
    by_last_day = f"{(certificate.last_day or NO_END).isoformat()}#{name}"
    indexes = keys.listed(ALL_OF_KIND, KIND, by_creation)
    indexes |= keys.listed(BY_STATUS, KIND, by_last_day, _list_of(certificate.status))
    owner = certificate.customer_guid or certificate.account_guid
    if owner is not None:
        indexes |= keys.listed(SECOND_ORDER, KIND, by_creation, owner)
    whole = shown(certificate)
    view = {name: whole[name] for name in CertificateSummary.model_fields if name in whole}
    view["periods"] = [shown(period) for period in rules.periods_of(certificate)]
    return Item(certificate_at(keys, certificate.certificate_id).key, certificate, indexes, view)


def code_item(
    place: Get[CertificateCodeRecord], code: CertificateCodeRecord
) -> Item[CertificateCodeRecord]:
    return Item(place.key, code)


def link_item(keys: Keys, customer_guid: str, certificate_id: str) -> Item[CertificateLinkRecord]:
    """Returns the link from a customer to a certificate."""
    place = keys.customer_link(customer_guid, "CERTIFICATE", named(keys, certificate_id))
    return Item(place, CertificateLinkRecord(certificate_id=certificate_id))


# ---------------------------------------------------------------- lists


def _list_of(status: str) -> str:
    return status if status in ("pending", "rejected") else EVER_ACTIVE


def in_order_of_creation(keys: Keys) -> Listing:
    return Listing((keys.list_of(KIND),), ALL_OF_KIND)


def of_owner(keys: Keys, owner: str) -> str:
    """Returns the partition of an owner's certificates, by creation."""
    return keys.list_of(KIND, owner)


def by_last_day(keys: Keys, status: str, day: date) -> Listing:
    """Returns the list in which every certificate lies that has this effective status on a day: by
    its last day, the earliest first."""
    first, last = rules.days_of(status, day)
    return Listing(
        (keys.list_of(KIND, _list_of(status)),),
        BY_STATUS,
        first="" if first is None else first.isoformat(),
        last="" if last is None else last.isoformat() + LAST,
        newest_first=False,
    )


# ---------------------------------------------------------------- answers


def certificate_shown(certificate: CertificateRecord, day: date) -> dict[str, Any]:
    """Returns a certificate with what it is worth on a day, as a whole and in each place."""
    status, ended = certificate.status, rules.ended_on(certificate)
    places = []
    for place in certificate.jurisdictions:
        there = rules.status_in(status, ended, rules.period_in(certificate, place), day)
        places.append({**shown(place), "effective_status": there})
    effective = rules.effective_status(status, ended, rules.periods_of(certificate), day)
    derived = {"effective_status": effective, "jurisdictions": places or None}
    return shown(certificate, without=HIDDEN, **derived)


def summary_shown(view: dict[str, Any], day: date) -> dict[str, Any]:
    """Returns a list entry with what the certificate is worth on a day."""
    summary = dict(view)
    periods = [
        rules.Period(_date(one.get("first")), _date(one.get("last")))
        for one in summary.pop("periods")
    ]
    ended = _date(summary.get("revoked_on") or summary.get("superseded_on"))
    summary["effective_status"] = rules.effective_status(summary["status"], ended, periods, day)
    return summary


def _date(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)

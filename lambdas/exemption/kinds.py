"""The kinds of records that the certificates store. A customer's certificates go with the customer;
those of accounts, and those of nobody, are of no customer."""

from __future__ import annotations

from datetime import date, datetime

from lambdas.exemption import rules, storage
from lambdas.exemption.models import envelopes, records
from shared.keys import BY_STATUS, Key, Keys
from shared.kinds import Kind
from shared.paging import Listing


def _ended_before(keys: Keys, _: datetime, day: date) -> Listing:
    """Returns the list of the certificates whose last day lies before a day, of all that may have
    one."""
    lists = tuple(keys.list_of(storage.KIND, one) for one in (storage.EVER_ACTIVE, "rejected"))
    return Listing(lists, BY_STATUS, last=f"{day.isoformat()}~", newest_first=False)


def _unexpired(certificate: records.CertificateRecord, _: datetime, today: date) -> str | None:
    """Returns why retention keeps the customer of a certificate that has not ended."""
    ended = certificate.last_day is not None and certificate.last_day < today
    return None if ended or certificate.status == "rejected" else "certificate"


def _link(keys: Keys, certificate: records.CertificateRecord) -> list[Key]:
    owner = certificate.customer_guid
    return [] if owner is None else [storage.link_item(keys, owner, certificate.certificate_id).key]


KINDS = (
    Kind(
        record=records.CertificateRecord,
        erasure="delete",
        named_by="certificate_id",
        named_in_keys=storage.named,
        target="certificate",
        item=storage.certificate_item,
        beside=storage.code_keys,
        released=rules.without_holder,
        # The key is a hash of the code, which is personal.
        personal_keys=storage.code_keys,
        hidden=("first_status", "fenced_by"),
        retained="certificate",
        aged_by="last_day",
        aging=_ended_before,
        guards_customer=_unexpired,
        links=_link,
        events={
            "exemption-certificate-created": envelopes.ExemptionCertificateCreated,
            "exemption-certificate-status-set": envelopes.ExemptionCertificateStatusChanged,
        },
    ),
    # It belongs to the certificates that have the code, and goes with the last of them.
    Kind(record=records.CertificateCodeRecord, erasure="keep", business=False, events={}),
    Kind(
        record=records.CertificateLinkRecord,
        erasure="delete",
        business=False,
        leads_to=lambda keys, link: keys.certificate(link.certificate_id),
        events={},
    ),
)

"""The kinds of records that the family stores.

An account belongs to a company and to no customer. So the erasure of a customer reaches the
contacts that are linked to it, and no other record of this family.
"""

from __future__ import annotations

from dataclasses import replace

from lambdas.account.models import envelopes, records
from shared.kinds import Kind


def inactivated(contact: records.ContactRecord) -> records.ContactRecord:
    """Returns the contact of a deleted customer: of no person, and no longer in use."""
    return replace(contact, customer_guid=None, status="inactive")


KINDS = (
    Kind(
        record=records.AccountRecord,
        erasure="keep",
        events={
            "account-created": envelopes.AccountChanged,
            "account-updated": envelopes.AccountChanged,
            "account-status-set": envelopes.AccountStatusChanged,
            "account-credit-consumed": envelopes.CreditMoved,
            "account-credit-released": envelopes.CreditMoved,
        },
    ),
    Kind(record=records.AccountChildrenRecord, erasure="keep", events={}),
    Kind(record=records.AccountCodeRecord, erasure="keep", events={}),
    Kind(
        record=records.ContactRecord,
        erasure="redact",
        named_by="contact_guid",
        target="contact",
        ends=inactivated,
        events={
            "account-contact-created": envelopes.ContactChanged,
            "account-contact-updated": envelopes.ContactChanged,
            "account-contact-status-set": envelopes.ContactStatusChanged,
        },
    ),
    Kind(
        record=records.ContactLinkRecord,
        erasure="delete",
        business=False,
        leads_to=lambda keys, link: keys.contact(link.contact_guid),
        events={},
    ),
    # The kept answers show the whole account, so they hold its contact points too.
    Kind(record=records.CreditOrderRecord, erasure="keep", events={}),
    Kind(record=records.CreditReleaseRecord, erasure="keep", events={}),
)

"""What the accounts store. An account is a company's, not a customer's: erasing a customer reaches
the contacts that are linked to it, and nothing else here."""

from __future__ import annotations

from lambdas.account import models
from shared.kinds import Kind

KINDS = (
    Kind(
        record=models.AccountRecord,
        personal=("email", "phone", "billing_address", "shipping_address"),
        erasure="keep",
        events={
            "account-created": models.AccountChanged,
            "account-updated": models.AccountChanged,
            "account-status-set": models.AccountStatusChanged,
            "account-credit-consumed": models.CreditMoved,
            "account-credit-released": models.CreditMoved,
        },
    ),
    Kind(record=models.AccountChildrenRecord, erasure="keep", events={}),
    Kind(record=models.AccountCodeRecord, erasure="keep", events={}),
    Kind(
        record=models.ContactRecord,
        personal=("first_name", "last_name", "display_name", "title", "email", "phone"),
        erasure="redact",
        events={
            "account-contact-created": models.ContactChanged,
            "account-contact-updated": models.ContactChanged,
            "account-contact-status-set": models.ContactStatusChanged,
        },
    ),
    Kind(record=models.ContactLinkRecord, erasure="delete", events={}),
    Kind(record=models.CreditOrderRecord, personal=("answer",), erasure="keep", events={}),
    Kind(record=models.CreditReleaseRecord, personal=("answer",), erasure="keep", events={}),
)

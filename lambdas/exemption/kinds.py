"""The kinds of records that the certificates store. A customer's certificates go with the customer;
those of accounts, and those of nobody, are of no customer."""

from __future__ import annotations

from lambdas.exemption import storage
from lambdas.exemption.models import envelopes, records
from shared.kinds import Kind

KINDS = (
    Kind(
        record=records.CertificateRecord,
        erasure="delete",
        named_by="certificate_id",
        target="certificate",
        item=storage.certificate_item,
        beside=storage.code_keys,
        # The key is a hash of the code, which is personal.
        personal_keys=storage.code_keys,
        hidden=("first_status", "fenced_by"),
        retained="certificate",
        aged_by="last_day",
        events={
            "exemption-certificate-created": envelopes.ExemptionCertificateCreated,
            "exemption-certificate-status-set": envelopes.ExemptionCertificateStatusChanged,
        },
    ),
    # It belongs to a certificate, and goes with it.
    Kind(record=records.CertificateCodeRecord, erasure="keep", business=False, events={}),
    Kind(
        record=records.CertificateLinkRecord,
        erasure="delete",
        business=False,
        leads_to=lambda keys, link: keys.certificate(link.certificate_id),
        events={},
    ),
)

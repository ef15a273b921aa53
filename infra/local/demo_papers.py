"""The certificates and warranties of the demo world: what customers can show on paper."""

from __future__ import annotations

from typing import Any

from lambdas.customer.handler import C as ADA
from lambdas.exemption.handler import CERTIFICATE, PENDING
from lambdas.warranty.handler import SERIAL, WARRANTY

_RESALE = {
    "certificate_id": CERTIFICATE,
    "certificate_code": "CA-102-RESALE",
    "status": "active",
    "customer_guid": ADA,
    "jurisdictions": [
        {"country": "US", "region": "CA"},
        {"country": "US", "region": "NV", "valid_to": "2026-03-31"},
    ],
    "reason_type": "resale",
    "valid_from": "2025-07-01",
    "valid_to": "2027-06-30",
    "signed_on": "2025-06-20",
    "document": {"record_id": "scan-4711", "sha256": "9f86d081884c7d65" * 4},
}
_FARM = {
    "certificate_id": PENDING,
    "certificate_code": "NY-125-FARM",
    "status": "pending",
    "customer_guid": ADA,
    "jurisdictions": [{"country": "US", "region": "NY"}],
    "reason_type": "farming",
    "exempt_percent": 50,
    "valid_from": "2026-01-01",
}
_MACHINE = {
    "serial_number": SERIAL,
    "product_id": "espresso-machine",
    "customer_id": ADA,
    "terms": {
        "name": "Two years",
        "coverage": "Parts and labour; not the seals.",
        "duration": {"value": 2, "unit": "years"},
    },
    "starts_on": "2025-11-20",
    "purchase_ref": "SO-0998",
}

PAPERS: tuple[tuple[Any, ...], ...] = (
    (
        "2026-01-11T09:00",
        "/exemption/certificate/create",
        "Sent in by post",
        {"certificate": _RESALE},
    ),
    (
        "2026-01-11T09:10",
        "/exemption/certificate/create",
        "Sent in by post",
        {"certificate": _FARM},
    ),
    (
        "2025-11-20T11:05",
        "/warranty/register",
        "Sale at the till",
        {"warranty": _MACHINE},
        WARRANTY.removeprefix("wrty_"),
    ),
)

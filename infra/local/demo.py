"""The demo orgs of the local server. They are always the same, so that scripts can rely on them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from infra.local.clients import table_administration
from infra.local.identities import credential_item, org_item
from shared.codec import Item, item_wire
from shared.identity import CredentialRecord, MembershipRecord, OrgRecord, membership_item
from shared.settings import settings

ORGS = (
    OrgRecord(orgcode="ACME", org_guid="org_demo_acme", status="verified"),
    OrgRecord(orgcode="GLOBEX", org_guid="org_demo_globex", status="verified"),
    OrgRecord(orgcode="NEWCO", org_guid="org_demo_newco", status="unverified"),
)
PEOPLE: dict[str, tuple[str, tuple[str, ...], bool]] = {
    "acme-owner": ("ACME", (), True),
    "acme-clerk": ("ACME", ("crm_view",), False),
    "acme-till": ("ACME", ("crm_edit",), False),
    "acme-privacy": ("ACME", ("crm_privacy_admin",), False),
    "acme-none": ("ACME", (), False),
    "acme-revoked": ("ACME", ("crm_view",), False),
    "acme-expired": ("ACME", ("crm_view",), False),
    "globex-owner": ("GLOBEX", (), True),
    "newco-owner": ("NEWCO", (), True),
}
"""Session secret → org, roles, owner. The person's id is ``user-`` and the secret."""

KEYS: dict[str, tuple[str, tuple[str, ...]]] = {
    "acme-key": (
        "ACME",
        ("crm_manage", "loyalty_admin", "giftcard_admin", "crm_tax_exemption_admin"),
    ),
    "globex-key": ("GLOBEX", ("crm_manage",)),
}


def records() -> Iterator[Item[Any]]:
    """Yields the records of the demo orgs. One session is revoked, one has expired, and the others
    never expire."""
    for org in ORGS:
        yield org_item(org)
    for secret, (orgcode, roles, owner) in PEOPLE.items():
        person = f"user-{secret}"
        yield membership_item(
            MembershipRecord(person=person, orgcode=orgcode, roles=roles, owner=owner)
        )
        past = datetime(2020, 1, 1, tzinfo=UTC)
        yield credential_item(
            secret,
            CredentialRecord(
                context="session",
                person=person,
                revoked=secret == "acme-revoked",
                expires_at=past if secret == "acme-expired" else None,
            ),
        )
    for secret, (orgcode, roles) in KEYS.items():
        yield credential_item(
            secret,
            CredentialRecord(
                context="api_key", service_account=f"sa-{secret}", orgcode=orgcode, roles=roles
            ),
        )


def load() -> None:
    """Writes the records of the demo orgs that are missing. Existing ones stay as they are."""
    client = table_administration()
    for item in records():
        try:
            client.put_item(
                TableName=settings().table_name,
                Item=item_wire(item, "demo", []),
                ConditionExpression="attribute_not_exists(pk)",
            )
        except client.exceptions.ConditionalCheckFailedException:
            continue

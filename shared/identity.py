"""The stored records of identity: organisations, memberships, sessions and API keys.

The administration command writes them, and ``shared.auth`` reads them. Of a secret only the keyed
hash is stored.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar

from shared import keys
from shared.codec import Item
from shared.marks import Id, Word
from shared.settings import OrgSettings

STATUSES = ("unverified", "verified", "parked", "suspended", "frozen", "doomed")


@dataclass(frozen=True, slots=True, kw_only=True)
class OrgRecord:
    """An organisation. Its status decides whether its callers may write."""

    KIND: ClassVar[str] = "org"
    orgcode: Id
    org_guid: Id
    status: Word
    settings: OrgSettings = field(default_factory=OrgSettings)
    revision: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class MembershipRecord:
    """A person in an org. An active owner passes every role check."""

    KIND: ClassVar[str] = "membership"
    person: Id
    orgcode: Id
    roles: tuple[Word, ...] = ()
    owner: bool = False
    state: Word = "active"
    revision: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class CredentialRecord:
    """A session (``person``) or an API key (``service_account`` of ``orgcode``, with ``roles``).
    Without ``expires_at`` it never expires. The expiry of a session moves on while it is used."""

    KIND: ClassVar[str] = "credential"
    context: Word
    person: Id | None = None
    service_account: Id | None = None
    orgcode: Id | None = None
    roles: tuple[Word, ...] = ()
    expires_at: datetime | None = None
    revoked: bool = False
    revision: int = 1


def org_item(org: OrgRecord) -> Item[OrgRecord]:
    return Item(keys.of_org(org.orgcode).org_record(), org)


def membership_item(membership: MembershipRecord) -> Item[MembershipRecord]:
    place = keys.of_org(membership.orgcode).membership(membership.person)
    return Item(place, membership)


def credential_item(secret: str, credential: CredentialRecord) -> Item[CredentialRecord]:
    return Item(keys.credential(secret), credential)

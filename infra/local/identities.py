"""The administration of organisations, memberships, sessions and API keys.

The records and their keys are those of the deployed code (``shared/identity.py``). This module adds
index entries, so that administration finds records without a scan. A new secret is returned once.
The table has only its keyed hash.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from infra.local.clients import table_administration
from lambdas.families import FAMILIES
from shared import clients, hashes, identity, keys
from shared.codec import Item, decode
from shared.identity import CredentialRecord, MembershipRecord, OrgRecord
from shared.keys import ALL_OF_KIND, NO_ORG, PARTITION, SORT, Key
from shared.records import Get
from shared.routes import ANYONE, MEMBER, READERS
from shared.settings import OrgSettings, settings
from shared.table import Table
from shared.writes import Put, Update, Write

NEVER = None


class Refused(Exception):
    """The administration refuses a command. The text says why."""


@dataclass(frozen=True, slots=True)
class Found:
    """A credential with its fingerprint, which answers and logs show."""

    fingerprint: str
    credential: CredentialRecord
    item: Item[CredentialRecord]


def known_roles() -> frozenset[str]:
    """Returns every role that a route accepts."""
    named = {role for routes in FAMILIES.values() for row in routes for role in row.roles}
    return frozenset(named | set(READERS)) - {MEMBER, ANYONE}


# ------------------------------------------------------------------------------ organisations


def create_org(
    orgcode: str, *, status: str = "verified", org_settings: OrgSettings | None = None
) -> OrgRecord:
    """Creates an organisation. Its code can never be used again."""
    if status not in identity.STATUSES:
        raise Refused(f"status must be one of {', '.join(identity.STATUSES)}")
    org = OrgRecord(
        orgcode=orgcode,
        org_guid=f"org_{secrets.token_hex(12)}",
        status=status,
        settings=org_settings or OrgSettings(),
    )
    _commit(Put(org_item(org)), f"organisation {orgcode} exists already")
    return org


def org_of(orgcode: str) -> OrgRecord:
    found: OrgRecord | None = _load(keys.of_org(orgcode).org_record(), OrgRecord)
    if found is None:
        raise Refused(f"there is no organisation {orgcode}")
    return found


def change_org(orgcode: str, **changes: Any) -> OrgRecord:
    """Changes ``status`` or ``settings`` of the organisation, and returns it."""
    if changes.get("status", "verified") not in identity.STATUSES:
        raise Refused(f"status must be one of {', '.join(identity.STATUSES)}")
    old = org_of(orgcode)
    new = replace(old, **changes, revision=old.revision + 1)
    _commit(Update(org_item(new), old.revision), "it was changed meanwhile; try again")
    return new


def has_customers(orgcode: str) -> bool:
    """Returns whether the organisation has customers. Their look-ups depend on the settings at the
    time when they were written."""
    answer = clients.dynamodb().query(
        TableName=settings().table_name,
        IndexName=ALL_OF_KIND.name,
        KeyConditionExpression="#p = :p",
        ExpressionAttributeNames={"#p": ALL_OF_KIND.partition},
        ExpressionAttributeValues={":p": {"S": keys.of_org(orgcode).list_of("customer")}},
        Limit=1,
    )
    return bool(answer["Items"])


def orgs() -> list[OrgRecord]:
    """Returns all organisations, by code."""
    return [decode(OrgRecord, wire) for wire in listed(NO_ORG, "org")]


# ------------------------------------------------------------------------------ memberships


def add_member(
    orgcode: str, person: str, *, roles: tuple[str, ...] = (), owner: bool = False
) -> MembershipRecord:
    """Adds the person with these roles, also one who was removed."""
    org_of(orgcode)
    _require_known_roles(roles)
    old = _membership(orgcode, person)
    revision = 1 if old is None else old.revision + 1
    new = MembershipRecord(
        person=person, orgcode=orgcode, roles=roles, owner=owner, revision=revision
    )
    item = identity.membership_item(new)
    write: Write = Put(item) if old is None else Update(item, old.revision)
    _commit(write, "it was changed meanwhile; try again")
    return new


def change_member(orgcode: str, person: str, **changes: Any) -> MembershipRecord:
    """Changes ``roles``, ``owner`` or ``state`` (``active`` or ``removed``) of a membership."""
    _require_known_roles(changes.get("roles", ()))
    old = _membership(orgcode, person)
    if old is None:
        raise Refused(f"{person} is no member of {orgcode}")
    new = replace(old, **changes, revision=old.revision + 1)
    item = identity.membership_item(new)
    _commit(Update(item, old.revision), "it was changed meanwhile; try again")
    return new


# ------------------------------------------------------------------------------ credentials


def create_session(
    person: str,
    *,
    expires_at: datetime | None = NEVER,
    secret: str | None = None,
    revoked: bool = False,
) -> str:
    """Creates a session of the person. Returns its secret."""
    secret = secret or f"ses_{secrets.token_urlsafe(32)}"
    credential = CredentialRecord(
        context="session", person=person, expires_at=expires_at, revoked=revoked
    )
    _commit(Put(credential_item(secret, credential)), "this secret is taken")
    return secret


def create_key(
    orgcode: str,
    service_account: str,
    *,
    roles: tuple[str, ...],
    expires_at: datetime | None = NEVER,
    secret: str | None = None,
) -> str:
    """Creates an API key of the organisation's service account. Returns its secret."""
    org_of(orgcode)
    _require_known_roles(roles)
    secret = secret or f"key_{secrets.token_urlsafe(32)}"
    credential = CredentialRecord(
        context="api_key",
        service_account=service_account,
        orgcode=orgcode,
        roles=roles,
        expires_at=expires_at,
    )
    _commit(Put(credential_item(secret, credential)), "this secret is taken")
    return secret


def keys_of(orgcode: str) -> list[Found]:
    """Returns the API keys of an organisation, by service account."""
    return list(_credentials(orgcode, "api_key"))


def sessions_of(person: str) -> list[Found]:
    """Returns the sessions of a person that the administration has created."""
    return list(_credentials(NO_ORG, "session", f"{person}#"))


def revoke(found: Found) -> None:
    """Revokes a credential. On routes that are not strict, a warm process may still accept it from
    its cache for 30 s."""
    old = found.credential
    if old.revoked:
        return
    new = replace(old, revoked=True, revision=old.revision + 1)
    _commit(
        Update(replace(found.item, record=new), old.revision),
        "it was changed meanwhile; try again",
    )


# ------------------------------------------------------------------------------ the table


def org_item(org: OrgRecord) -> Item[OrgRecord]:
    """Returns the item of the organisation, with an index entry."""
    entry = keys.of_org(NO_ORG).listed(ALL_OF_KIND, "org", org.orgcode)
    view = {"orgcode": org.orgcode}
    return replace(identity.org_item(org), indexes=entry, view=view)


def credential_item(secret: str, credential: CredentialRecord) -> Item[CredentialRecord]:
    """Returns the item of the credential, with an index entry by owner and fingerprint."""
    mark = hashes.fingerprint(secret)
    owner = credential.person or credential.service_account
    entry = keys.of_org(credential.orgcode or NO_ORG).listed(
        ALL_OF_KIND, credential.context, f"{owner}#{mark}"
    )
    return replace(identity.credential_item(secret, credential), indexes=entry)


def _membership(orgcode: str, person: str) -> MembershipRecord | None:
    found: MembershipRecord | None = _load(
        keys.of_org(orgcode).membership(person), MembershipRecord
    )
    return found


def _credentials(orgcode: str, kind: str, start: str = "") -> Iterator[Found]:
    entry_names = (ALL_OF_KIND.partition, ALL_OF_KIND.sort)
    for wire in listed(orgcode, kind, start):
        key = (wire[PARTITION]["S"], wire[SORT]["S"])
        entry = {name: wire[name]["S"] for name in entry_names}
        credential = decode(CredentialRecord, wire)
        mark = entry[ALL_OF_KIND.sort].rpartition("#")[2]
        yield Found(mark, credential, Item(key, credential, indexes=entry))


def listed(orgcode: str, kind: str, start: str = "") -> list[dict[str, Any]]:
    """Returns the whole items of one list, in its order."""
    table, name = table_administration(), settings().table_name
    answers = table.get_paginator("query").paginate(
        TableName=name,
        IndexName=ALL_OF_KIND.name,
        KeyConditionExpression="#p = :p AND begins_with(#s, :s)" if start else "#p = :p",
        ExpressionAttributeNames={"#p": ALL_OF_KIND.partition}
        | ({"#s": ALL_OF_KIND.sort} if start else {}),
        ExpressionAttributeValues={":p": {"S": keys.of_org(orgcode).list_of(kind)}}
        | ({":s": {"S": start}} if start else {}),
    )
    places = [{k: e[k] for k in (PARTITION, SORT)} for page in answers for e in page["Items"]]
    whole = (table.get_item(TableName=name, Key=key, ConsistentRead=True) for key in places)
    return [dict(answer["Item"]) for answer in whole if "Item" in answer]


def _load(key: Key, of: type[Any]) -> Any:
    get = Get(key, of)
    return Table().load([get]).get(get)


def _commit(write: Write, refusal: str) -> None:
    failed = Table().transact([write], f"admin-{secrets.token_hex(12)}", 0)
    if failed is not None:
        raise Refused(refusal)


def _require_known_roles(roles: tuple[str, ...]) -> None:
    unknown = sorted(set(roles) - known_roles())
    if unknown:
        raise Refused(f"unknown roles: {', '.join(unknown)}; known: {sorted(known_roles())}")

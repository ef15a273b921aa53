"""Who calls: headers and body to a ``Caller``, or 401, 403, 404.

A session (a person) or an API key (a service account of one org) is found under the keyed hash of
its secret; the secret itself is stored nowhere. A warm process caches callers for up to 30 s. It
never refuses on cached knowledge, and routes that move money or points, merge, erase or set a
policy verify the caller in the operation's own first batch.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from shared import keys
from shared.errors import (
    ContextMismatch,
    Fault,
    Forbidden,
    InvalidInput,
    NotFound,
    OrgWriteBlocked,
    Unauthorized,
)
from shared.fields import instant_text
from shared.identity import CredentialRecord, MembershipRecord, OrgRecord
from shared.records import Get, Records
from shared.routes import ANYONE, MEMBER, Route
from shared.settings import OrgSettings
from shared.table import Table
from shared.writes import Condition

CACHED_S = 30
SESSION_LIFE = timedelta(hours=1)
EXTENDED_EVERY = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who calls, in which org, with which roles; everything a decision may ask about identity."""

    org: OrgRecord
    actor: str
    context_source: Literal["session", "api_key", "operator", "system"]
    fingerprint: str
    roles: frozenset[str]
    owner: bool = False

    @property
    def orgcode(self) -> str:
        return self.org.orgcode

    @property
    def settings(self) -> OrgSettings:
        return self.org.settings

    def has(self, *roles: str) -> bool:
        """Whether any of the roles lets the caller do it; an owner may."""
        return self.owner or not self.roles.isdisjoint(roles)

    def stamp(self) -> dict[str, Any]:
        """The identity as answers and events show it."""
        name = "session_fingerprint" if self.context_source == "session" else "api_key_fingerprint"
        return {
            "orgcode": self.orgcode,
            "actor": self.actor,
            "context_source": self.context_source,
            name: self.fingerprint,
        }


# ---------------------------------------------------------------- the claim of one request


@dataclass(frozen=True, slots=True)
class Claim:
    """What a request says of its caller, before any of it is verified."""

    secret: str
    kind: Literal["session", "api_key"]
    org: str | None
    mismatch: ContextMismatch | None = None


def claim(headers: Mapping[str, str], body: Mapping[str, Any]) -> Claim:
    """Returns the credential and the org that a request names. A header's credential counts before
    the body's, a session before a key. Without any credential: 401, whatever else is wrong."""
    session = headers.get("x-session-guid") or _text(body, "session_guid")
    key = headers.get("x-api-key") or _text(body, "api_key")
    if not (session or key):
        raise Unauthorized()
    named = headers.get("x-orgcode", "").strip().upper() or None
    inside = _text(body, "orgcode").strip().upper() or None
    secret, kind = (session, "session") if session else (key, "api_key")
    return Claim(secret, kind, named or inside)  # type: ignore[arg-type]


def _text(body: Mapping[str, Any], name: str) -> str:
    value = body.get(name)
    return value if isinstance(value, str) else ""


def contradiction(
    headers: Mapping[str, str], body: Mapping[str, Any], record: Mapping[str, Any]
) -> ContextMismatch | None:
    """The 400 of header, body and request context naming different orgs, where they do. It is
    raised once the credential is known to be good."""
    named = headers.get("x-orgcode", "").strip().upper() or None
    found = []
    places = [("orgcode", body.get("orgcode"))]
    for prefix, holder in (("", body), ("record.", record)):
        context = holder.get("request_context")
        if isinstance(context, dict):
            places.append((f"{prefix}request_context.orgcode", context.get("orgcode")))
    for place, value in places:
        if isinstance(value, str) and (org := value.strip().upper()):
            named = named or org
            if org != named:
                found.append(Fault("mismatch", place, "must be the org that the request names"))
    return ContextMismatch(minor=found) if found else None


@dataclass(frozen=True, slots=True)
class Identity:
    """Who calls, and what it takes to verify that again: the claim, and the real clock (a test
    clock rules data, not credentials)."""

    claim: Claim
    caller: Caller
    wall: datetime


# ---------------------------------------------------------------- the cache of callers


@dataclass(frozen=True, slots=True)
class _CachedCaller:
    caller: Caller
    until: float


_cache: dict[tuple[str, str, str], _CachedCaller] = {}


def forget() -> None:
    """Empties the cache; for tests and for a process that changes deployments."""
    _cache.clear()


def identify(said: Claim, route: Route, table: Table, wall: datetime) -> Identity:
    """Returns who calls, from the cache or from the table; refuses a caller who lacks the roles."""
    known = _cache.get((said.kind, said.secret, said.org or ""))
    if known is not None and known.until > time.monotonic() and _lets_in(known.caller, route):
        if said.mismatch is not None:
            raise said.mismatch
        return Identity(said, known.caller, wall)
    caller = _read(said, table, wall)
    if len(_cache) > 10_000:
        _cache.clear()
    _cache[(said.kind, said.secret, caller.orgcode)] = _CachedCaller(
        caller, time.monotonic() + CACHED_S
    )
    require_role(caller, route)
    return Identity(said, caller, wall)


def _read(said: Claim, table: Table, wall: datetime) -> Caller:
    """A first read, strongly consistent: the credential beside the org, then the membership."""
    credential_at = Get(keys.credential(said.secret), CredentialRecord)
    reads: list[Get[Any]] = [credential_at]
    org_at = None
    if said.org is not None and _is_org(said.org):
        org_at = Get(keys.of_org(said.org).org_record(), OrgRecord)
        reads.append(org_at)
    records = table.load(reads)
    credential = _require_live(records.get(credential_at), said, wall)
    if said.org is None:
        raise InvalidInput.of("orgcode", "is required: header x-orgcode or body", "missing")
    if said.mismatch is not None:
        raise said.mismatch
    org = records.get(org_at) if org_at else None
    if credential.person is None:
        return _caller(said, credential, org, None)
    # A malformed org code is read like an unknown one: both cost the same, and both are 404.
    place = keys.of_org(said.org if org_at else "-").membership(credential.person)
    member_at = Get(place, MembershipRecord)
    membership = table.load([member_at]).get(member_at)
    caller = _caller(said, credential, org, membership)
    _extend(said, credential, table, wall)
    return caller


def _is_org(text: str) -> bool:
    import re

    from shared.fields import ORGCODE

    return re.fullmatch(ORGCODE, text) is not None


def _require_live(record: CredentialRecord | None, said: Claim, wall: datetime) -> CredentialRecord:
    if (
        record is None
        or record.context != said.kind
        or record.revoked
        or (record.expires_at is not None and record.expires_at <= wall)
    ):
        raise Unauthorized()
    return record


def _caller(
    said: Claim,
    credential: CredentialRecord,
    org: OrgRecord | None,
    membership: MembershipRecord | None,
) -> Caller:
    """Returns the caller that the records make. 404 for one who is no member: a stranger learns
    nothing of the org."""
    if org is None:
        raise NotFound()
    if credential.person is None:
        if credential.orgcode != org.orgcode:
            raise NotFound()
        return Caller(
            org=org,
            actor=f"service_account:{credential.service_account}",
            context_source="api_key",
            fingerprint="kf_" + keys.fingerprint(said.secret),
            roles=frozenset(credential.roles),
        )
    if membership is None or membership.state != "active":
        raise NotFound()
    return Caller(
        org=org,
        actor=f"user_guid:{credential.person}",
        context_source="session",
        fingerprint="sf_" + keys.fingerprint(said.secret),
        roles=frozenset(membership.roles),
        owner=membership.owner,
    )


def _extend(said: Claim, credential: CredentialRecord, table: Table, wall: datetime) -> None:
    """Slides a session's expiry, at most once a minute. A call that loses the race has nothing to
    do: another one has extended the session."""
    expires = credential.expires_at
    later = wall + SESSION_LIFE
    if expires is None or later - expires < EXTENDED_EVERY:
        return
    table.touch(
        keys.credential(said.secret),
        "expires_at",
        {"S": instant_text(later)},
        Condition(
            "#x = :x AND attribute_not_exists(#d)",
            {"#x": "expires_at", "#d": "revoked"},
            {":x": {"S": instant_text(expires)}},
        ),
    )


# ---------------------------------------------------------------- verification in the first batch


def reads_of(identity: Identity) -> list[Get[Any]]:
    """Returns the reads of the caller's records, for a batch that is made anyway."""
    places = keys.of_org(identity.caller.orgcode)
    found: list[Get[Any]] = [
        Get(keys.credential(identity.claim.secret), CredentialRecord),
        Get(places.org_record(), OrgRecord),
    ]
    if identity.caller.context_source == "session":
        person = identity.caller.actor.partition(":")[2]
        found.append(Get(places.membership(person), MembershipRecord))
    return found


def verify(
    identity: Identity, route: Route, records: Records, *, gated: bool, refusing: bool
) -> Identity:
    """Returns the identity as the table has it now. Refuses as at the door, by the write gate too
    (``gated``). ``refusing``: the call only withdraws consent."""
    reads, said = reads_of(identity), identity.claim
    credential = _require_live(records.get(reads[0]), said, identity.wall)
    membership = records.get(reads[2]) if len(reads) > 2 else None
    caller = _caller(said, credential, records.get(reads[1]), membership)
    require_role(caller, route)
    if route.writes and gated:
        require_write_access(caller, route, refusing=refusing)
    return replace(identity, caller=caller)


def _lets_in(caller: Caller, route: Route) -> bool:
    """Whether a cached caller passes. If not, the caller is read before the call is refused."""
    return may_call(caller, route) and (not route.writes or caller.org.status == "verified")


def may_call(caller: Caller, route: Route) -> bool:
    roles = route.roles
    return roles[0] in (MEMBER, ANYONE) or caller.has(*roles)


def require_role(caller: Caller, route: Route) -> None:
    if not may_call(caller, route):
        raise Forbidden(detail={"roles_any_of": list(route.roles)})


def require_write_access(caller: Caller, route: Route, *, refusing: bool = False) -> None:
    """The write gate: an org that is not verified may not write. Three duties pass in every status
    but ``unverified``: the rows of two say so, the third is a call that only withdraws consent
    (``refusing``)."""
    status = caller.org.status
    duty = route.gate == "open" or (route.gate == "refusals" and refusing)
    if status != "verified" and not (duty and status != "unverified"):
        raise OrgWriteBlocked(detail={"state": status, "allowed": ["verified"]})


def now() -> datetime:
    """The real clock, to the millisecond."""
    moment = datetime.now(UTC)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)

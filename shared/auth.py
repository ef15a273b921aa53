"""Authentication and roles: headers and body become a ``Caller``, or 401, 403 or 404.

A session (of a person) or an API key (of a service account of one org) is stored under the keyed
hash of its secret. The secret itself is not stored. A warm process caches callers for up to 30 s.
No call is refused because of the cache: the table is read first. Routes that move money or points,
merge, erase or set a policy verify the caller in the operation's own first batch.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from shared import hashes, keys
from shared.errors import (
    ContextMismatch,
    Fault,
    Forbidden,
    InvalidInput,
    NotFound,
    OrgWriteBlocked,
    Unauthorized,
)
from shared.fields import instant_text, upper_ascii
from shared.identity import CredentialRecord, MembershipRecord, OrgRecord
from shared.records import Get, Records
from shared.routes import ANYONE, MEMBER, Route
from shared.settings import OrgSettings
from shared.table import Table
from shared.writes import Condition

CACHED_S = 30
"""How long a revoked credential may still pass, on routes that are not strict."""
_CACHED_CALLERS = 10_000
SESSION_LIFE = timedelta(hours=1)
EXTENDED_EVERY = timedelta(minutes=1)
"""A session is extended at most this often: every extension is a write."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who calls, in which org and with which roles. A decision knows no more of the identity."""

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
        """Returns whether the caller has any of the roles. An owner has all of them."""
        return self.owner or not self.roles.isdisjoint(roles)

    def stamp(self) -> dict[str, Any]:
        """Returns the identity as answers and events show it."""
        name = "session_fingerprint" if self.context_source == "session" else "api_key_fingerprint"
        # The service itself has no secret, and so no fingerprint of one.
        secret = {name: self.fingerprint} if self.fingerprint else {}
        return {
            "orgcode": self.orgcode,
            "actor": self.actor,
            "context_source": self.context_source,
            **secret,
        }


# ---------------------------------------------------------------- the claim of one request


@dataclass(frozen=True, slots=True)
class Claim:
    """What a request says about its caller, before any of it is verified. ``mismatch``: the error
    of a request that names two orgs."""

    secret: str
    kind: Literal["session", "api_key"]
    org: str | None
    mismatch: ContextMismatch | None = None


def require_claim(headers: Mapping[str, str], body: Mapping[str, Any]) -> Claim:
    """Returns the credential and the org that a request names, or raises 401 where it has no
    credential. A credential in a header comes before one in the body, a session before a key."""
    session = headers.get("x-session-guid") or _text(body, "session_guid")
    key = headers.get("x-api-key") or _text(body, "api_key")
    if not (session or key):
        raise Unauthorized()
    named = upper_ascii(headers.get("x-orgcode", "").strip()) or None
    inside = upper_ascii(_text(body, "orgcode").strip()) or None
    secret, kind = (session, "session") if session else (key, "api_key")
    return Claim(secret, kind, named or inside)  # type: ignore[arg-type]


def _text(body: Mapping[str, Any], name: str) -> str:
    value = body.get(name)
    return value if isinstance(value, str) else ""


def contradiction(
    headers: Mapping[str, str], body: Mapping[str, Any], record: Mapping[str, Any]
) -> ContextMismatch | None:
    """Returns the 400 of a request whose header, body and request context name different orgs, else
    None. It is raised after the credential was verified: without a valid one the answer is 401."""
    named = upper_ascii(headers.get("x-orgcode", "").strip()) or None
    found = []
    places = [("orgcode", body.get("orgcode"))]
    for prefix, holder in (("", body), ("record.", record)):
        context = holder.get("request_context")
        if isinstance(context, dict):
            places.append((f"{prefix}request_context.orgcode", context.get("orgcode")))
    for place, value in places:
        if isinstance(value, str) and (org := upper_ascii(value.strip())):
            named = named or org
            if org != named:
                found.append(Fault("mismatch", place, "must be the org that the request names"))
    return ContextMismatch(minor=found) if found else None


@dataclass(frozen=True, slots=True)
class Identity:
    """Who calls, and what is needed to verify it again: the claim and the real time. A test clock
    does not apply to credentials."""

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
    """Empties the cache. For tests, and for a process that changes deployments."""
    _cache.clear()


def identify(claim: Claim, route: Route, table: Table, wall: datetime) -> Identity:
    """Returns who calls, from the cache or from the table. Raises 403 where the roles do not
    suffice."""
    known = _cache.get((claim.kind, claim.secret, claim.org or ""))
    if (
        known is not None
        and known.until > time.monotonic()
        and _cache_suffices(known.caller, route)
    ):
        if claim.mismatch is not None:
            raise claim.mismatch
        return Identity(claim, known.caller, wall)
    caller = _read(claim, table, wall)
    if len(_cache) > _CACHED_CALLERS:
        # A bound on memory. So few processes reach it that an order of eviction is not worth it.
        _cache.clear()
    _cache[(claim.kind, claim.secret, caller.orgcode)] = _CachedCaller(
        caller, time.monotonic() + CACHED_S
    )
    require_role(caller, route)
    return Identity(claim, caller, wall)


def _read(claim: Claim, table: Table, wall: datetime) -> Caller:
    """Reads the caller from the table, strongly consistent: credential and org in one trip, then
    the membership, whose key is known only then."""
    credential_at = Get(keys.credential(claim.secret), CredentialRecord)
    reads: list[Get[Any]] = [credential_at]
    org_at = None
    if claim.org is not None and _is_orgcode(claim.org):
        org_at = Get(keys.of_org(claim.org).org_record(), OrgRecord)
        reads.append(org_at)
    records = table.load(reads)
    # The order of the errors: 401 before anything about the org, so that a request without a valid
    # credential learns nothing.
    credential = _require_valid(records.get(credential_at), claim, wall)
    if claim.org is None:
        raise InvalidInput.of("orgcode", "is required: header x-orgcode or body", "missing")
    if claim.mismatch is not None:
        raise claim.mismatch
    org = records.get(org_at) if org_at else None
    if credential.person is None:
        return _caller(claim, credential, org, None)
    # A malformed org code is read like an unknown one: both cost the same, and both are 404.
    place = keys.of_org(claim.org if org_at else "-").membership(credential.person)
    member_at = Get(place, MembershipRecord)
    membership = table.load([member_at]).get(member_at)
    caller = _caller(claim, credential, org, membership)
    _extend_session(claim, credential, table, wall)
    return caller


def _is_orgcode(text: str) -> bool:
    import re

    from shared.fields import ORGCODE

    return re.fullmatch(ORGCODE, text) is not None


def _require_valid(
    record: CredentialRecord | None, claim: Claim, wall: datetime
) -> CredentialRecord:
    if (
        record is None
        or record.context != claim.kind
        or record.revoked
        or (record.expires_at is not None and record.expires_at <= wall)
    ):
        raise Unauthorized()
    return record


def _caller(
    claim: Claim,
    credential: CredentialRecord,
    org: OrgRecord | None,
    membership: MembershipRecord | None,
) -> Caller:
    """Returns the caller of these records. Raises 404, not 403, for one who is no member: a
    stranger does not learn whether the org exists."""
    if org is None:
        raise NotFound()
    if credential.person is None:
        if credential.orgcode != org.orgcode:
            raise NotFound()
        return Caller(
            org=org,
            actor=f"service_account:{credential.service_account}",
            context_source="api_key",
            fingerprint="kf_" + hashes.fingerprint(claim.secret),
            roles=frozenset(credential.roles),
        )
    if membership is None or membership.state != "active":
        raise NotFound()
    return Caller(
        org=org,
        actor=f"user_guid:{credential.person}",
        context_source="session",
        fingerprint="sf_" + hashes.fingerprint(claim.secret),
        roles=frozenset(membership.roles),
        owner=membership.owner,
    )


def _extend_session(
    claim: Claim, credential: CredentialRecord, table: Table, wall: datetime
) -> None:
    """Extends a session, at most once a minute. Where the condition fails there is nothing to do:
    another call has extended the session, or it was revoked."""
    expires = credential.expires_at
    later = wall + SESSION_LIFE
    if expires is None or later - expires < EXTENDED_EVERY:
        return
    table.touch(
        keys.credential(claim.secret),
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
    """Returns the reads of the caller's records. They go into a batch that is read anyway."""
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
    """Returns the identity as the table has it now. Raises what the door raises; what the write
    gate raises only if ``gated``. ``refusing``: the call only withdraws consent."""
    reads, claim = reads_of(identity), identity.claim
    credential = _require_valid(records.get(reads[0]), claim, identity.wall)
    membership = records.get(reads[2]) if len(reads) > 2 else None
    caller = _caller(claim, credential, records.get(reads[1]), membership)
    require_role(caller, route)
    if route.writes and gated:
        require_write_access(caller, route, refusing=refusing)
    return replace(identity, caller=caller)


def _cache_suffices(caller: Caller, route: Route) -> bool:
    """Returns whether a cached caller may make the call. If not, the table is read before the call
    is refused: the caller may have got the role, or the org its status, since."""
    return may_call(caller, route) and (not route.writes or caller.org.status == "verified")


def may_call(caller: Caller, route: Route) -> bool:
    """Returns whether the caller's roles let it call the route."""
    roles = route.roles
    return roles[0] in (MEMBER, ANYONE) or caller.has(*roles)


def require_role(caller: Caller, route: Route) -> None:
    """Raises 403 where the caller's roles do not let it call the route."""
    if not may_call(caller, route):
        raise Forbidden(detail={"roles_any_of": list(route.roles)})


def require_write_access(caller: Caller, route: Route, *, refusing: bool = False) -> None:
    """The write gate: raises 403 where the org is not verified. An org owes some writes to its
    customers in every status but ``unverified``: those of a route whose row says ``open``, and on
    one whose row says ``refusals`` those that only withdraw consent (``refusing``)."""
    status = caller.org.status
    duty = route.gate == "open" or (route.gate == "refusals" and refusing)
    if status != "verified" and not (duty and status != "unverified"):
        raise OrgWriteBlocked(detail={"state": status, "allowed": ["verified"]})


def now() -> datetime:
    """Returns the real time, to the millisecond."""
    moment = datetime.now(UTC)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)

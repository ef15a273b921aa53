"""Consents of customers who were merged: one view of all partitions, and who may be contacted.

A merge rewrites no consent. Each customer who was merged is a side with the decisions and the
contact points that it had. A refusal that stands at a merge counts, for both sides, as said at the
merge. A grant keeps its time. A grant by e-mail, SMS or phone that names no contact point counts
only for the contact points that its side had. So a merge never widens consent.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from lambdas.customer.models.records import ConsentDecisionRecord
from lambdas.customer.rules.consent import (
    BY_DEFAULT,
    WITH_EVIDENCE,
    ConsentKey,
    Said,
    as_said,
    by_key,
    counting_of,
    is_grant,
    is_refusal,
    key_of,
    proof_of,
)

EMAIL_CHANNELS = frozenset({"EMAIL", "E-MAIL", "E_MAIL", "MAIL", "NEWSLETTER"})
PHONE_CHANNELS = frozenset(
    {"SMS", "MMS", "RCS", "TEXT", "PHONE", "TELEPHONE", "TEL", "MOBILE", "CALL", "VOICE"}
    | {"WHATSAPP", "VIBER", "SIGNAL"}
)
"""The channels that reach a customer by e-mail and by phone. An org names its channels itself; one
that is not here reaches no contact point that we know of."""


@dataclass(frozen=True, slots=True)
class Side:
    """A customer's own decisions and own contact points (in the form in which they are compared).
    ``merged_at`` and ``into``: when it was merged, and into whom; None for the survivor."""

    guid: str
    points: frozenset[str]
    decisions: tuple[ConsentDecisionRecord, ...]
    merged_at: datetime | None = None
    into: str | None = None


@dataclass(frozen=True, slots=True)
class Contact:
    """Whether a consent lets somebody be contacted. ``points``: those of the customer's contact
    points that it counts for, where it counts for some and not for all."""

    allowed: bool
    points: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Consents:
    """Everything that counts for a customer, over all sides."""

    survivor: str
    _by_key: Mapping[ConsentKey, list[Said]]
    _sides: Mapping[str, Side]

    @property
    def said(self) -> Iterator[Said]:
        return (one for said in self._by_key.values() for one in said)

    def counting(self) -> dict[ConsentKey, Said]:
        return {key: counting_of(said) for key, said in self._by_key.items()}

    def of_key(self, key: ConsentKey) -> list[Said]:
        return self._by_key.get(key, [])

    def contact(
        self,
        key: ConsentKey,
        points: Sequence[str],
        refused: Mapping[str, datetime],
        now: datetime,
    ) -> Contact:
        """Returns whether the consent of a key allows contact. ``points`` are the customer's own
        contact points, ``refused`` the org's own refusals by contact point. A consent that names no
        contact point allows contact where it counts for all own points of its channel."""
        about = self.of_key(key)
        if not about or state_at(counting_of(about).decision, now) != "granted":
            return Contact(allowed=False)
        grants = [one for one in about if state_at(one.decision, now) == "granted"]

        def reaches(point: str) -> bool:
            refusals = self._refusals(key, point)
            org = refused.get(point)
            return any(
                self._counts_for(grant, point)
                and all(_outweighs(grant, refusal, key) for refusal in refusals)
                and (org is None or _is_later(grant, org))
                for grant in grants
            )

        asked = [key[2]] if key[2] else own_points(key[1], points)
        # Without contact points of that kind the general rule still says yes or no.
        allowed = [point for point in asked or [""] if reaches(point)]
        if len(allowed) == len(asked or [""]):
            return Contact(allowed=True)
        return Contact(allowed=False, points=tuple(allowed))

    def _refusals(self, key: ConsentKey, point: str) -> list[Said]:
        """Returns the refusals that cover a key for one contact point."""
        wide = dict.fromkeys(
            (key[0], channel, named) for channel in ("", key[1]) for named in ("", point)
        )
        return [one for about in wide for one in self.of_key(about) if is_refusal(one.decision)]

    def _counts_for(self, grant: Said, point: str) -> bool:
        """Returns whether a grant counts for a contact point. One that names no contact point
        counts for those that its side had by itself, or had got by a merge by then."""
        if not point or key_of(grant.decision)[2]:
            return True
        return point in self._points_at(grant.side, grant.at)

    def _points_at(self, guid: str, at: datetime) -> frozenset[str]:
        found = self._sides[guid].points
        for side in self._sides.values():
            if side.into == guid and side.merged_at is not None and side.merged_at <= at:
                found |= self._points_at(side.guid, at)
        return found


def combined(sides: Iterable[Side]) -> Consents:
    """Returns what counts for the survivor of these sides. The survivor is the one that was not
    merged."""
    known = {side.guid: side for side in sides}
    (survivor,) = (side.guid for side in known.values() if side.merged_at is None)
    for side in list(known.values()):
        # The customer that it was merged into may be gone: then the survivor stands for it.
        if side.merged_at is not None and side.into not in known:
            known[side.guid] = replace(side, into=survivor)
    groups = {guid: as_said(side.decisions) for guid, side in known.items()}
    # Under its own guid, whatever the decisions say: they may be stored under another one.
    groups = {g: [replace(one, side=g) for one in said] for g, said in groups.items()}
    holder = {guid: guid for guid in known}
    merges = [side for side in known.values() if side.merged_at is not None]
    for side in sorted(merges, key=lambda side: (side.merged_at, side.guid)):
        source, target = holder[side.guid], holder[side.into or survivor]
        if source == target or side.merged_at is None:
            continue
        both = [_through_merge(groups[guid], side.merged_at) for guid in (target, source)]
        groups[target] = [*both[0], *both[1]]
        holder = {g: target if held == source else held for g, held in holder.items()}
    return Consents(survivor, by_key(groups[holder[survivor]]), known)


def _through_merge(said: list[Said], merged_at: datetime) -> list[Said]:
    """Returns what one side said, with the refusals that stand at the merge as said at the merge.
    Only a grant with evidence ends a refusal."""

    def stands(refusal: Said) -> bool:
        about = key_of(refusal.decision)
        return not any(
            is_grant(one.decision)
            and proof_of(one.decision) == WITH_EVIDENCE
            and key_of(one.decision) == about
            and refusal.at < one.at <= merged_at
            for one in said
        )

    return [
        replace(one, at=merged_at)
        if is_refusal(one.decision) and one.at < merged_at and stands(one)
        else one
        for one in said
    ]


def state_at(decision: ConsentDecisionRecord, now: datetime) -> str:
    """Returns the state as it is shown: what was granted, or waits, may have expired. A refusal
    has no end."""
    ends = decision.expires_at
    if decision.consent_state in ("granted", "pending") and ends is not None and ends <= now:
        return "expired"
    return decision.consent_state


def own_points(channel: str, points: Sequence[str]) -> list[str]:
    """Returns which contact points a channel reaches. Without a channel these are all."""
    return [
        point
        for point in points
        if not channel
        or (channel in EMAIL_CHANNELS and "@" in point)
        or (channel in PHONE_CHANNELS and "@" not in point)
    ]


def _outweighs(grant: Said, refusal: Said, key: ConsentKey) -> bool:
    """Returns whether a grant counts in spite of a refusal that covers it."""
    if key_of(refusal.decision) == key:
        return refusal.at < grant.at and proof_of(grant.decision) == WITH_EVIDENCE
    return _is_later(grant, refusal.at)


def _is_later(grant: Said, refused_at: datetime) -> bool:
    # A grant without a time of its own may be an old one that was imported late.
    return refused_at < grant.at and proof_of(grant.decision) > BY_DEFAULT


def as_of(sides: Sequence[Side], named: str, then: datetime) -> list[Side]:
    """Returns the sides of the customer that ``named`` was a part of at that time. Customers who
    were merged later were others then."""
    known = {side.guid: side for side in sides}
    (survivor,) = (side.guid for side in sides if side.merged_at is None)

    def holder(guid: str) -> str:
        side = known[guid]
        if side.merged_at is None or side.merged_at > then:
            return guid
        return holder(side.into if side.into in known else survivor)

    root = holder(named if named in known else survivor)
    return [
        replace(side, merged_at=None, into=None) if side.guid == root else side
        for side in sides
        if holder(side.guid) == root
    ]

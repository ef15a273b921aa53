"""One call: what a request said, who makes it, and everything impure that an operation needs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from shared import auth
from shared.auth import Caller, Identity
from shared.codec import R
from shared.customer_state import CustomerGuard, CustomerStateRecord
from shared.errors import ApiError, Busy, Conflict, ExpectedRevisionRequired
from shared.keys import Keys, of_org
from shared.records import Get, Read, Records, Unread
from shared.routes import Route
from shared.settings import OrgSettings
from shared.table import Table

READS_AGAIN = 20
"""How often one decision may ask for more. Records that contradict each other would have it ask for
ever; an honest decision asks a handful of times."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Answer:
    """What a route answers: ``data``, and the revision of the one record that it speaks of."""

    data: dict[str, Any]
    revision: int | None = None
    replayed: bool = False


def repeated(data: dict[str, Any], revision: int | None) -> Answer:
    """Returns the original answer for a repeat by natural key: nothing happens again."""
    return Answer(data, revision, replayed=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """Why a change is made, and what it goes back to."""

    reason: str | None = None
    reason_code: str | None = None
    source_refs: tuple[dict[str, str], ...] = ()

    def source(self, *kinds: str) -> str | None:
        """Returns the id of the first source of one of these kinds."""
        return next((ref["id"] for ref in self.source_refs if ref["kind"] in kinds), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What one request said beside its own fields. ``request_hash`` tells a repeat from another
    request under the same key. ``only_refuses``: the request only withdraws consent."""

    request_id: str
    provenance: Provenance = Provenance()
    idempotency_key: str | None = None
    expected_revision: int | None = None
    request_hash: str = ""
    dry_run: bool = False
    only_refuses: bool = False
    cccode: str | None = None
    channel_code: str | None = None

    def ensure_revision(self, revision: int, record: dict[str, Any]) -> None:
        """409 with the current record where another revision is expected."""
        if self.expected_revision not in (None, revision):
            raise Conflict(detail={"current_revision": revision}, record=record, revision=revision)

    def require_revision(self) -> None:
        """428: for ``set`` routes, where only the read shows that there is a record to change."""
        if self.expected_revision is None:
            raise ExpectedRevisionRequired()


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request on its way through an operation. Frozen: the clock, the ids and the table come
    from outside, and no other state lives anywhere."""

    route: Route
    identity: Identity
    facts: Facts
    now: datetime
    table: Table
    new_id: Callable[[], str]

    @property
    def caller(self) -> Caller:
        return self.identity.caller

    @property
    def settings(self) -> OrgSettings:
        return self.identity.caller.settings

    @property
    def keys(self) -> Keys:
        return of_org(self.caller.orgcode)

    @property
    def today(self) -> date:
        """The date in the org's time zone."""
        return self.now.astimezone(ZoneInfo(self.settings.timezone)).date()

    def guard(
        self, customer_guid: str, state: CustomerStateRecord | None = None, **demands: Any
    ) -> CustomerGuard:
        """Returns the guard of a step that writes for a customer. Without ``state`` only the write
        finds out how the customer is."""
        return CustomerGuard(
            keys=self.keys,
            customer_guid=customer_guid,
            state=state,
            now=self.now,
            today=self.today,
            **demands,
        )

    # ---------------------------------------------------------------- reading

    def load(self, *reads: Read) -> Records:
        """Makes the reads in one strong trip. On a strict route it also verifies who calls."""
        return self.verified(reads)[1]

    def require(self, get: Get[R]) -> R:
        """Returns one record by its key, or 404."""
        return self.load(get).require(get)

    def read(self, reads: Sequence[Read], work: Callable[[Records], T]) -> T:
        """Makes the reads, then returns what ``work`` makes of the records. ``reads`` are a hint
        that saves trips: what ``work`` asks for beyond them is read as well."""
        return self.decided(self.load(*reads), work)

    def decided(self, records: Records, work: Callable[[Records], T]) -> T:
        """Returns what ``work`` makes of the records, reading whatever else it asks for."""
        for _ in range(READS_AGAIN):
            try:
                return work(records)
            except Unread as unread:
                records.add(self.table.load(unread.reads))
        raise Busy()

    def verified(self, reads: Sequence[Read], *, gated: bool = True) -> tuple[Call, Records]:
        """Makes the reads; on a strict route the caller is read along and verified: the call that
        comes back knows who calls at this moment."""
        if not self.route.strict:
            return self, self.table.load(reads)
        records = self.table.load([*reads, *auth.reads_of(self.identity)])
        refusing = self.facts.only_refuses
        identity = auth.verify(self.identity, self.route, records, gated=gated, refusing=refusing)
        return replace(self, identity=identity), records

    def refusal(self, error: ApiError, *, gated: bool = True) -> ApiError:
        """Returns an error for the caller to raise: what the request alone shows to be wrong. On a
        strict route the caller is verified first. Nobody hears what is wrong before it is certain
        who asks, nor (``gated``) anybody who may not write."""
        if self.route.strict:
            self.verified((), gated=gated)
        return error

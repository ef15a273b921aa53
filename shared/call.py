"""One call: the facts of a request, its caller, and everything impure that an operation needs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from shared import auth
from shared.auth import Caller, Identity
from shared.codec import R
from shared.customer_guard import CustomerGuard
from shared.customer_state import CustomerStateRecord
from shared.errors import ApiError, Busy, Conflict, ExpectedRevisionRequired
from shared.keys import Keys, of_org
from shared.records import Get, Read, Records, Unread
from shared.routes import Route
from shared.settings import OrgSettings
from shared.table import Table

READS_AGAIN = 20
"""How often one decision may ask for further records. A normal decision asks a few times. The limit
ends a loop where damaged records make a decision ask for ever."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Answer:
    """What a route answers: ``data``, and the revision where the answer is about one record."""

    data: dict[str, Any]
    revision: int | None = None
    replayed: bool = False


def repeated(data: dict[str, Any], revision: int | None) -> Answer:
    """Returns the original answer to a replay that was found by its natural key (an order, say). It
    writes nothing."""
    return Answer(data, revision, replayed=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """Why a change is made, and which documents it is based on."""

    reason: str | None = None
    reason_code: str | None = None
    source_refs: tuple[dict[str, str], ...] = ()

    def source(self, *kinds: str) -> str | None:
        """Returns the id of the first source of one of these kinds."""
        return next((ref["id"] for ref in self.source_refs if ref["kind"] in kinds), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What one request said beside its own fields. ``request_hash`` tells a replay from another
    request under the same idempotency key. ``only_refuses``: the request only withdraws consent."""

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
        """Raises 409 with the current record where the request expects another revision."""
        if self.expected_revision not in (None, revision):
            raise Conflict(detail={"current_revision": revision}, record=record, revision=revision)

    def require_revision(self) -> None:
        """Raises 428 where the request has no ``expected_revision``. The door calls it. A ``set``
        route that may also create calls it itself, once it has read that the record exists."""
        if self.expected_revision is None:
            raise ExpectedRevisionRequired()


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request as an operation gets it. It is frozen. The clock, the ids and the table come from
    outside, and a request has no other state."""

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
        """Returns the date in the org's time zone."""
        return self.on_day(self.now)

    def on_day(self, moment: datetime) -> date:
        """Returns the date that a time is in the org's time zone."""
        return moment.astimezone(ZoneInfo(self.settings.timezone)).date()

    def guard(
        self, customer_guid: str, state: CustomerStateRecord | None = None, **demands: Any
    ) -> CustomerGuard:
        """Returns the guard of a step that writes for a customer. Without ``state`` only the
        condition of the write checks the customer's state."""
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
        """Returns the records, read in one strongly consistent trip. On a strict route it also
        verifies the caller."""
        return self.verified(reads)[1]

    def require(self, get: Get[R]) -> R:
        """Returns one record by its key. Raises 404 where it does not exist."""
        return self.load(get).require(get)

    def read(self, reads: Sequence[Read], work: Callable[[Records], T]) -> T:
        """Reads, then returns the result of ``work`` on the records. ``reads`` are a hint that
        saves trips: whatever else ``work`` asks for is read too."""
        return self.decided(self.load(*reads), work)

    def decided(self, records: Records, work: Callable[[Records], T]) -> T:
        """Returns the result of ``work`` on the records. Reads whatever else ``work`` asks for, and
        runs it again."""
        for _ in range(READS_AGAIN):
            try:
                return work(records)
            except Unread as unread:
                records.add(self.table.load(unread.reads))
        raise Busy()

    def verified(self, reads: Sequence[Read], *, gated: bool = True) -> tuple[Call, Records]:
        """Returns the call and the records. On a strict route it reads the caller in the same trip
        and verifies it; the call that it returns has the identity as the table has it now."""
        if not self.route.strict:
            return self, self.table.load(reads)
        records = self.table.load([*reads, *auth.reads_of(self.identity)])
        refusing = self.facts.only_refuses
        identity = auth.verify(self.identity, self.route, records, gated=gated, refusing=refusing)
        return replace(self, identity=identity), records

    def refusal(self, error: ApiError, *, gated: bool = True) -> ApiError:
        """Returns the error, which says what is wrong with the request, for the operation to raise.
        On a strict route it verifies the caller first, because only a verified caller may learn
        what is wrong. ``gated``: the caller must also be allowed to write."""
        if self.route.strict:
            self.verified((), gated=gated)
        return error

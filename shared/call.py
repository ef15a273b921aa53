"""One call, with everything impure that an operation needs, and the two ways to write.

``Call.write`` solves once what every write must get right: identity read in the operation's own
batch, the replay looked for before any refusal, a dry run, the idempotency key committed with the
effect, and deciding again with the fresh item when another write came first.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, ClassVar, TypeVar

from shared import auth
from shared.auth import Caller, Claim
from shared.codec import Item, R, Wire, shown_value
from shared.errors import (
    ApiError,
    Busy,
    Conflict,
    ExpectedRevisionRequired,
    IdempotencyKeyReused,
    NotFound,
)
from shared.fields import instant_shown, instant_text
from shared.keys import Keys
from shared.paging import Listing, page, read, sign
from shared.routes import Route
from shared.table import ATTEMPTS, Failed, Get, Query, Records, Table, pause
from shared.writes import CurrentItem, Put, Write, absent_or_before, key_written, meaning

LOOKS = 20
"""How often one decision may ask for more before it is given up."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Answer:
    """What a route answers: ``data``, and the revision of the one record it speaks of."""

    data: dict[str, Any]
    revision: int | None = None
    replayed: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """A decision: the writes, all or none; the answer if they happen; and the partition of the
    record that the answer speaks of, where its snapshot lives and dies with it."""

    answer: Answer
    partition: str
    writes: Sequence[Write] = ()


@dataclass(frozen=True, slots=True)
class More:
    """No decision yet: these must be read too."""

    wants: Sequence[Get[Any] | Query[Any]]


Decide = Callable[["Call", Records], Step | More]


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkerRecord:
    """An idempotency key that is taken: by which request, and where its answer lies."""

    KIND: ClassVar[str] = "marker"
    request_hash: str
    at_pk: str
    at_sk: str
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotRecord:
    """An answer to be repeated. It may hold personal data, so it lies with its record."""

    KIND: ClassVar[str] = "snapshot"
    data: dict[str, Any]
    answered_revision: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """Why a change is made, and what it goes back to."""

    reason: str | None = None
    reason_code: str | None = None
    source_refs: tuple[dict[str, str], ...] = ()

    def source(self, *kinds: str) -> str | None:
        """The id of the first source of one of these kinds."""
        return next((ref["id"] for ref in self.source_refs if ref["kind"] in kinds), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request. Frozen; what it may not know (clock, ids, table) is brought in here."""

    route: Route
    now: datetime
    table: Table
    request_id: str
    new_id: Callable[[], str]
    claim: Claim | None = None
    identity: Caller | None = None
    wall: datetime | None = None
    provenance: Provenance = field(default_factory=Provenance)
    idempotency_key: str | None = None
    expected_revision: int | None = None
    request_hash: str = ""
    dry_run: bool = False
    cccode: str | None = None
    channel_code: str | None = None

    @property
    def caller(self) -> Caller:
        assert self.identity is not None, "the route has no caller"
        return self.identity

    @property
    def keys(self) -> Keys:
        from shared.keys import of_org

        return of_org(self.caller.orgcode)

    # ---------------------------------------------------------------- reading

    def load(self, *wants: Get[Any] | Query[Any]) -> Records:
        """One strong trip; on a strict route it also verifies who calls."""
        seen, _ = self._load(wants)
        return seen

    def one(self, want: Get[R]) -> R:
        """One record by its key, or 404."""
        record = self.load(want).get(want)
        if record is None:
            raise NotFound()
        return record

    def refused(self, refusal: ApiError, *, gated: bool = True) -> ApiError:
        """To be raised for what the request alone already shows to be wrong. On a strict route the
        caller is verified first: nobody hears what is wrong before it is certain who asks, nor
        (``gated``) who may not write."""
        if self.route.strict:
            self._load((), gated=gated)
        return refusal

    def _load(
        self, wants: Sequence[Get[Any] | Query[Any]], *, gated: bool = True
    ) -> tuple[Records, Call]:
        if not self.route.strict or self.claim is None or self.wall is None:
            return self.table.load(wants), self
        seen = self.table.load([*wants, *auth.wants(self.claim, self.caller)])
        fresh = auth.verify(self.claim, self.caller, self.route, seen, self.wall, gated=gated)
        return seen, replace(self, identity=fresh)

    def page(
        self,
        listing: Listing,
        body: Any,
        keep: Callable[[Wire], dict[str, Any] | None],
        *,
        plural: str,
        beside: Callable[[], None] | None = None,
        complete: Callable[[list[dict[str, Any]]], list[dict[str, Any] | None]] | None = None,
    ) -> Answer:
        """A page of a list as ``{plural: […], next_token?}``; the token is bound to the org, the
        route and every filter of ``body``. ``beside`` reads what ``keep`` has to know, in the same
        trip; ``complete`` adds what only other records know, or drops an item."""
        return self.found(
            body,
            lambda limit, cursor: page(
                self.table, listing, limit, cursor, keep, beside=beside, complete=complete
            ),
            plural=plural,
        )

    def found(
        self,
        body: Any,
        find: Callable[[int, str | None], tuple[list[dict[str, Any]], str | None]],
        *,
        plural: str,
    ) -> Answer:
        """The same for a walk of the route's own: ``find(limit, cursor)`` gives a page of items and
        the cursor of the next."""
        filters = body.model_dump(mode="json", exclude={"limit", "next_token"}, exclude_none=True)
        scope = f"{self.caller.orgcode} {self.route.path} {sorted(filters.items())}"
        cursor = None if body.next_token is None else read(body.next_token, scope, self.now)
        items, after = find(body.limit, cursor)
        data: dict[str, Any] = {plural: items}
        if after is not None:
            data["next_token"] = sign(scope, after, self.now)
        return Answer(data)

    # ---------------------------------------------------------------- deciding

    def expect(self, revision: int, record: dict[str, Any]) -> None:
        """409 with the current record where ``expected_revision`` is another."""
        if self.expected_revision is not None and self.expected_revision != revision:
            raise Conflict(detail={"current_revision": revision}, record=record, revision=revision)

    def need_revision(self) -> None:
        """428: for ``set`` routes, where only the read shows that there is a record to change."""
        if self.expected_revision is None:
            raise ExpectedRevisionRequired()

    def event(
        self, action: str, aggregate: tuple[str, str, int], data: dict[str, Any]
    ) -> dict[str, Any]:
        """The event of a change, to ride on the record that it changes. ``aggregate``: type, id and
        new revision. ``data`` holds ids, codes, numbers and states; never anything personal."""
        given = self.provenance
        context = self.caller.stamp()
        context["roles"] = sorted(self.caller.roles)
        for name, value in (("channel_code", self.channel_code), ("cccode", self.cccode)):
            if value is not None:
                context[name] = value
        if given.reason is not None and self.caller.settings.reason_in_events:
            reason = given.reason
        else:
            reason = given.reason_code or ("see-record" if given.reason else "none")
        event = {
            "event_id": self.new_id(),
            "action": action,
            "timestamp_utc": instant_shown(self.now),
            "request_context": context,
            "reason": reason,
            "source_refs": list(given.source_refs),
            "aggregate_type": aggregate[0],
            "aggregate_id": aggregate[1],
            "aggregate_revision": aggregate[2],
            "correlation_id": self.request_id,
            "data": {k: shown_value(v) for k, v in data.items() if v is not None},
        }
        if given.reason_code is not None:
            event["reason_code"] = given.reason_code
        return event

    # ---------------------------------------------------------------- writing

    def write(self, wants: Sequence[Get[Any] | Query[Any]], decide: Decide) -> Answer:
        """Load, decide, write. Without ``wants`` on a route that is not strict nothing is read: a
        creation is one trip, and its own conditions refuse it."""
        call, seen = self, Records({}, {})
        read_first = bool(wants) or self.route.strict
        if read_first:
            seen, call = self._load([*wants, *self._marker_wants()])
            replay = call._replay(seen)
            if replay is not None:
                return replay
        try:
            return call._settle(seen, decide)
        except ApiError:
            # A creation has not looked for its replay yet; a retry must not hear a refusal.
            replay = None if read_first else call._replay(call.table.load(self._marker_wants()))
            if replay is None:
                raise
            return replay

    def resolve(self, seen: Records, work: Callable[[], T | More]) -> T:
        """What ``work`` makes of what was seen, after loading whatever it says it needs. Records
        that contradict each other would have it ask for ever: then the answer is ``busy``."""
        for _ in range(LOOKS):
            found = work()
            if not isinstance(found, More):
                return found
            seen.add(self.table.load(found.wants))
        raise Busy()

    def _settle(self, seen: Records, decide: Decide) -> Answer:
        change_id = self.new_id()
        for attempt in range(ATTEMPTS):
            step: Step = self.resolve(seen, lambda: decide(self, seen))
            if self.dry_run:
                return Answer({**step.answer.data, "dry_run": True}, step.answer.revision)
            writes = [*self._binding(step), *step.writes]
            if not writes:
                return step.answer
            failed = self.table.transact(writes, change_id, attempt)
            if failed is None:
                return step.answer
            answered = self._made_of(failed)
            if answered is not None:
                return answered
            for write, fresh in failed.writes:
                seen.learn(key_written(write), fresh)
            pause(attempt)
        raise Busy()

    @staticmethod
    def _made_of(failed: Failed) -> Answer | None:
        """What the first failure that means something means: a refusal, or an answer."""
        for write, fresh in failed.writes:
            meant = meaning(write)
            if isinstance(meant, ApiError):
                raise meant
            made = meant(fresh) if meant is not None else None
            if isinstance(made, ApiError):
                raise made
            if isinstance(made, Answer):
                return made
        return None

    # ---------------------------------------------------------------- idempotency

    def _marker_wants(self) -> list[Get[Any]]:
        if self.idempotency_key is None or self.dry_run:
            return []
        place = self.keys.marker(self.route.path, self.idempotency_key)
        return [Get(place, MarkerRecord)]

    def _replay(self, seen: Records) -> Answer | None:
        for want in self._marker_wants():
            marker = seen.get(want)
            if marker is not None and marker.expires_at > self.now:
                return self._repeat(marker)
        return None

    def _repeat(self, marker: MarkerRecord) -> Answer:
        """The original answer; 409 where the key stands for another request; 404 where the record
        that it spoke of is gone."""
        if marker.request_hash != self.request_hash:
            raise IdempotencyKeyReused()
        want = Get((marker.at_pk, marker.at_sk), SnapshotRecord)
        snapshot = self.table.load([want]).get(want)
        if snapshot is None:
            raise NotFound()
        return Answer(snapshot.data, snapshot.answered_revision, replayed=True)

    def _binding(self, step: Step) -> list[Write]:
        """The key and the answer, committed with the effect: there is no state in between."""
        if self.idempotency_key is None:
            return []
        path, key = self.route.path, self.idempotency_key
        expires = self.now + timedelta(days=self.caller.settings.idempotency_days)
        place = self.keys.snapshot(step.partition, path, key)
        marker = MarkerRecord(
            request_hash=self.request_hash, at_pk=place[0], at_sk=place[1], expires_at=expires
        )
        snapshot = SnapshotRecord(data=step.answer.data, answered_revision=step.answer.revision)

        def taken(fresh: CurrentItem) -> Answer | None:
            there = fresh.record(MarkerRecord)
            return None if there is None else self._repeat(there)

        return [
            Put(
                Item(self.keys.marker(path, key), marker, expires=expires),
                unless_exists=taken,
                condition=absent_or_before("expires_at", instant_text(self.now)),
            ),
            Put(Item(place, snapshot, expires=expires), condition=None),
        ]

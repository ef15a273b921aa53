"""The table of the loyalty rules' tests: one ledger's records, and the conditions of its writes."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from lambdas.loyalty.models.records import (
    EarnPolicy,
    ExpiredLotsRecord,
    ExpiryPolicy,
    PointValue,
    PolicyRecord,
    RedeemPolicy,
    RestorePolicy,
    ReversalPolicy,
)
from lambdas.loyalty.rules import recalculation
from lambdas.loyalty.rules.adjusting import expiry_month
from lambdas.loyalty.rules.decision import Decision, Stamp
from lambdas.loyalty.rules.quote import Quote, Sale, quote
from lambdas.loyalty.rules.recalculation import Recalculation
from shared.codec import decode, encode
from shared.fields import Money
from shared.ledger import (
    BalanceRecord,
    CheckpointPart,
    CheckpointRecord,
    Holdings,
    LedgerEntry,
    Lot,
    LotPage,
    LotTerms,
    PagesMissing,
    Replay,
    Totals,
    asks_for_archive,
    intact,
    joined,
    left,
    resumable,
    stored_checkpoint,
)

START = datetime(2026, 1, 1, tzinfo=UTC)
_numbers = itertools.count(1)


def new_id() -> str:
    return f"{next(_numbers):08d}"


def stamp(now: datetime) -> Stamp:
    return Stamp(now=now, new_id=new_id, actor="user_guid:U1", reason="a test")


def at(days: float) -> datetime:
    return START + timedelta(days=days)


def policy(**parts: Any) -> PolicyRecord:
    """One point per minor unit, unless said otherwise; keys are ``earn``, ``redeem``, ``expiry``,
    ``reversal``, ``restore``."""
    return PolicyRecord(
        policy_version=parts.pop("policy_version", "v1"),
        currency="EUR",
        effective_from=START - timedelta(days=3650),
        earn_policy=EarnPolicy(
            **{"points_per_unit": Decimal(1), "unit_minor": 1, **parts.pop("earn", {})}
        ),
        redeem_policy=RedeemPolicy(
            **{
                "mode": "per_point",
                "point_value": PointValue(points=100, money=Money("EUR", 100)),
                **parts.pop("redeem", {}),
            }
        ),
        expiry_policy=ExpiryPolicy(**parts.pop("expiry", {})),
        reversal_policy=ReversalPolicy(**parts.pop("reversal", {})),
        restore_policy=RestorePolicy(**parts.pop("restore", {})),
        **parts,
    )


def priced(terms: PolicyRecord, sale: Sale, moment: datetime) -> Quote:
    """The quote of a sale in an org whose days are those of UTC."""
    return quote(terms, sale, moment, UTC)


def merging(source: Holdings, target: Holdings, by: Stamp) -> list[Decision]:
    """One ledger closed and the other taking it over; both settled at one time."""
    out = by.entry(source, "merge_out", 0)
    out = replace(out, counterpart_guid=target.balance.customer_guid)
    gone, out = left(source, out)
    here, into = joined(target, source, by.entry(target, "merge_in", 0))
    return [
        Decision(holdings=gone, entries=(out,), change=gone.commit()),
        Decision(holdings=here, entries=(into,), change=here.commit()),
    ]


def again(record: Any) -> Any:
    """The record after a round through its stored form."""
    return decode(type(record), encode(record))


class Shelf:
    """What is stored of some ledgers. Each decision first sees the pages that ``reads`` lets it,
    and gets those that it then asks for."""

    def __init__(self) -> None:
        self.balances: dict[str, BalanceRecord] = {}
        self.pages: dict[tuple[str, str], LotPage] = {}
        self.entries: dict[str, list[LedgerEntry]] = {}
        self.heads: dict[str, CheckpointRecord] = {}
        self.parts: dict[str, list[CheckpointPart]] = {}
        self.expired: dict[tuple[str, str, int], ExpiredLotsRecord] = {}
        self.trips = 0

    def balance(self, guid: str, now: datetime) -> BalanceRecord:
        return self.balances.get(guid) or Holdings.empty(guid, now).balance

    def holdings(self, guid: str, now: datetime, reads: Callable[[LotPage], bool]) -> Holdings:
        seen = [page for page in self.pages.values() if reads(page)]
        return Holdings.of(self.balance(guid, now), seen)

    def ask(
        self,
        guid: str,
        now: datetime,
        question: Callable[[Holdings], Any],
        reads: Callable[[LotPage], bool] = lambda _: True,
    ) -> Any:
        """The answer to a question, after reading whatever it needs."""
        refs: set[tuple[str, str]] = set()

        def read(page: LotPage) -> bool:
            return reads(page) or page.ref in refs

        for self.trips in range(1, 50):
            here = self.holdings(guid, now, read)
            try:
                return question(here)
            except PagesMissing as need:
                asked = {(entry.owner or "", entry.page_id) for entry in need.pages}
                for entry in need.pages:
                    page = self.pages[entry.owner or "", entry.page_id]
                    assert page.bound == entry.bound, "the directory knows the page's key"
                assert not asked <= refs, "never asks for what it has"
                refs |= asked
        raise AssertionError("asks without end")

    def do(
        self,
        guid: str,
        now: datetime,
        decide: Callable[[Holdings], Decision],
        reads: Callable[[LotPage], bool] = lambda _: True,
    ) -> Decision:
        """Decide, and write what was decided under its conditions."""
        decision: Decision = self.ask(guid, now, decide, reads)
        self.write(decision)
        return decision

    def write(self, decision: Decision) -> None:
        change = decision.change
        if change is None:
            assert not decision.entries
            return
        stored = self.balances.get(change.balance.customer_guid)
        assert change.balance.revision == (1 if stored is None else stored.revision + 1)
        self.balances[change.balance.customer_guid] = again(change.balance)
        for entry in change.drop:
            page = self.pages.pop((entry.owner or "", entry.page_id))
            assert (page.revision, page.bound) == (entry.revision, entry.bound)
        for page in change.put:
            before = self.pages.get(page.ref)
            assert page.revision == (1 if before is None else before.revision + 1), page.ref
            assert before is None or page.page_id == "open" or before.bound == page.bound
            self.pages[page.ref] = again(page)
        for expired in decision.expired:
            place = (change.balance.customer_guid, expired.month, expired.sequence)
            assert place not in self.expired
            self.expired[place] = again(expired)
        for made in decision.entries:
            self.entries.setdefault(made.customer_guid, []).append(again(made))

    def merge(
        self,
        source: str,
        target: str,
        now: datetime,
        reads: Callable[[LotPage], bool] = lambda _: True,
    ) -> None:
        """The source's ledger into the target's."""
        at = max(now, self.balance(source, now).settled_at, self.balance(target, now).settled_at)
        one = self.holdings(source, now, reads).settled(at)
        two = self.holdings(target, now, reads).settled(at)
        for decision in merging(one, two, stamp(now)):
            self.write(decision)

    # ---------------------------------------------------------------- looking

    def expired_of(self, lot: LotTerms | None) -> int:
        """How many points of a lot ``expire`` entries have taken, by the records of its month."""
        if lot is None or lot.expires_at is None:
            return 0
        records = [r for (_, month, _), r in self.expired.items() if month == expiry_month(lot)]
        lots = [expired for record in records for expired in record.lots]
        return sum(expired.points for expired in lots if expired.lot_id == lot.lot_id)

    def replay(self, guid: str, until: datetime | None = None) -> Replay:
        sources = {
            e.counterpart_guid: self.replay(e.counterpart_guid)
            for e in self.entries.get(guid, [])
            if e.kind == "merge_in" and e.counterpart_guid
        }
        return Replay(guid, sources).run(self.entries.get(guid, []), until)

    def resumed(
        self, guid: str, until: datetime | None = None, *, as_source: bool = False
    ) -> tuple[Replay, set[str]]:
        """The replay from the last checkpoint, and the ids that were read from its archive."""
        head, parts = self.heads.get(guid), self.parts.get(guid, [])
        entries = self.entries.get(guid, [])
        after = [e for e in entries if head is None or e.sequence > head.sequence]
        sources = {
            e.counterpart_guid: self.resumed(e.counterpart_guid, as_source=True)[0]
            for e in after
            if e.kind == "merge_in" and e.counterpart_guid
        }
        if head is None:
            return Replay(guid, sources).run(after, until), set()
        live = [p for p in parts if p.checkpoint == head.number and not p.spent]
        held = [lot for part in live for lot in part.lots]
        archive = None
        if as_source or asks_for_archive(held, after):
            archive = [p for p in parts if p.spent]
        assert intact(head, live, archive)
        start = resumable(head, live, archive or [])
        replay = Replay.resumed(start, sources).run(after, until)
        return replay, {lot.lot_id for part in archive or [] for lot in part.lots}

    def keep_checkpoint(self, guid: str, now: datetime) -> None:
        replay, archived = self.resumed(guid, now)
        head, parts = stored_checkpoint(replay.checkpoint(), self.heads.get(guid), archived)
        self.heads[guid] = again(head)
        self.parts.setdefault(guid, []).extend(again(part) for part in parts)

    def stored_for(self, guid: str) -> dict[tuple[str, str], int]:
        """The revisions of the pages of a customer and of those merged into it."""
        owners = {guid, *(merge.customer_guid for merge in self.balances[guid].absorbed)}
        return {ref: page.revision for ref, page in self.pages.items() if page.owner in owners}

    def reachable(self, guid: str) -> dict[tuple[str, str], int]:
        """The revisions of the pages that the directory leads to, its segments among them."""
        found, queue = {}, list(self.balances[guid].pages)
        while queue:
            entry = queue.pop()
            page = self.pages[entry.owner or guid, entry.page_id]
            found[page.ref] = entry.revision
            queue += [replace(e, owner=e.owner or page.owner) for e in page.entries]
        return found

    def recalculate(self, guid: str, now: datetime) -> Recalculation:
        balance = self.balance(guid, now)
        mine = {guid, *(merge.customer_guid for merge in balance.absorbed)}
        pages = [page for page in self.pages.values() if page.owner in mine]
        return recalculation.recalculate(balance, pages, self.replay(guid))

    def totals(self, guid: str, now: datetime) -> Totals:
        found: Totals = self.ask(guid, now, lambda here: here.settled(now).totals())
        return found

    def lots(self, guid: str, now: datetime) -> dict[str, Lot]:
        here = self.holdings(guid, now, lambda _: True).settled(now)
        return {lot.lot_id: lot for lot in here.loaded()}


def live(lots: Iterable[Lot], now: datetime) -> dict[str, int]:
    """What remains of the lots that have not expired."""
    return {
        lot.lot_id: lot.remaining for lot in lots if lot.remaining and not lot.terms.expired(now)
    }

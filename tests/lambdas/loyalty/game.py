"""The rules and the second opinion, side by side, move by move."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from lambdas.loyalty.models.records import PolicyRecord
from lambdas.loyalty.rules import adjusting, earning, spending
from lambdas.loyalty.rules.adjusting import Adjustment
from lambdas.loyalty.rules.decision import Decision
from lambdas.loyalty.rules.earning import EarnOrder, Reversal
from lambdas.loyalty.rules.quote import Sale
from lambdas.loyalty.rules.spending import RedeemOrder, Restoration
from shared.errors import InsufficientPoints
from shared.fields import Money
from shared.ledger import LotPage
from tests.lambdas.loyalty import naive
from tests.lambdas.loyalty.shelf import START, Shelf, live, stamp

ONE, TWO = "cust_1", "cust_2"


class Game:
    """The rules and the second opinion, side by side."""

    def __init__(self, terms: PolicyRecord, renew: timedelta | None) -> None:
        self.policy, self.renew = terms, renew
        self.shelf, self.now = Shelf(), START
        self.players = {name: naive.Player(name, START) for name in (ONE, TWO)}
        self.sales: dict[str, list[tuple[Any, naive.Sale]]] = {ONE: [], TWO: []}
        self.spent: dict[str, list[tuple[Any, naive.Spending]]] = {ONE: [], TWO: []}
        self.reads = 0

    def do(self, who: str, decide: Any) -> Decision:
        """Decide with an arbitrary choice of pages read at first."""
        self.reads += 1

        def some(page: LotPage) -> bool:
            return (sum(map(ord, page.page_id)) + self.reads) % 3 == 0

        return self.shelf.do(who, self.now, decide, some)

    def pass_time(self, amount: int) -> None:
        self.now += timedelta(hours=amount, milliseconds=1)
        for player in self.players.values():
            player.pass_time(self.now)

    def earn(self, who: str, amount: int, kind: int) -> None:
        back = timedelta(hours=kind % 7) if kind % 3 == 0 else timedelta()
        order = EarnOrder(
            order_ref="E",
            sale=Sale(amount=Money("EUR", amount)),
            occurred_at=self.now - back,
        )
        done = self.do(who, lambda here: earning.earn(here, order, self.policy, stamp(self.now)))
        terms = done.entry.opens
        sale = naive.Sale(None, 0)
        if terms is None:
            sale = self.players[who].earn("", 0, self.now, None)
        else:
            assert done.entry.points == terms.points
            sale = self.players[who].earn(
                terms.lot_id, terms.points, terms.available_from, terms.expires_at
            )
        self.sales[who].append((done.earned, sale))

    def redeem(self, who: str, amount: int, _: int) -> None:
        points = min(amount, self.players[who].available) or 1
        order = RedeemOrder(order_ref="R", points=points)
        try:
            done = self.do(
                who, lambda here: spending.redeem(here, order, self.policy, stamp(self.now))
            )
        except InsufficientPoints:
            assert self.players[who].available < points
            return
        spent = self.players[who].redeem(points)
        names = [a.lot_id for a in done.entry.allocations for _ in range(-a.points)]
        assert names == [pot.name for pot in spent.tokens]
        self.spent[who].append(((done.redeemed, done.parts), spent))

    def restore(self, who: str, amount: int, kind: int) -> None:
        open_ = [i for i, ((r, _), _) in enumerate(self.spent[who]) if r.restorable]
        if not open_:
            return
        index = open_[kind % len(open_)]
        (guard, parts), spent = self.spent[who][index]
        points = min(amount, guard.restorable)
        done = self.do(
            who,
            lambda here: spending.restore(
                here, Restoration(redeemed=guard, parts=parts, points=points), stamp(self.now)
            ),
        )
        new = "" if done.entry.opens is None else done.entry.opens.lot_id
        self.players[who].restore(spent, points, new, self.renew)
        self.spent[who][index] = ((done.redeemed, parts), spent)

    def reverse(self, who: str, amount: int, kind: int) -> None:
        if not self.sales[who]:
            return
        index = kind % len(self.sales[who])
        guard, sale = self.sales[who][index]
        points = min(amount, guard.reversible)
        reversal = self.policy.reversal_policy
        expired = self.shelf.expired_of(guard.lot)
        asked = Reversal(earned=guard, asked=points, expired=expired)
        found = self.players[who].available
        try:
            done = self.do(who, lambda here: earning.reverse(here, asked, stamp(self.now)))
        except InsufficientPoints:
            assert reversal.uncollected == "reject"
            refused = self.players[who].reverse(sale, points, reversal.shortfall, "reject")
            assert refused is False
            assert self.players[who].available == found
            return
        assert self.players[who].reverse(sale, points, reversal.shortfall, reversal.uncollected)
        assert done.earned is not None
        assert done.earned.reversed == sale.reversed <= sale.points
        self.sales[who][index] = (done.earned, sale)

    def adjust(self, who: str, amount: int, kind: int) -> None:
        if kind % 2:
            ends = None if kind % 3 else self.now + timedelta(hours=kind)
            asked = Adjustment(points_delta=amount, expires_at=ends)
            done = self.do(who, lambda here: adjusting.adjust(here, asked, stamp(self.now)))
            lot = done.entry.allocations[0].lot_id
            self.players[who].give(lot, amount, self.now, ends)
            self.players[who].step()
            return
        owe = kind % 4 == 0
        asked = Adjustment(points_delta=-amount, allow_debt=owe)
        try:
            self.do(who, lambda here: adjusting.adjust(here, asked, stamp(self.now)))
        except InsufficientPoints:
            assert self.players[who].take(amount, owe=owe) is False
            return
        assert self.players[who].take(amount, owe=owe)

    def expire(self, who: str, amount: int, _: int) -> None:
        until = self.now - timedelta(hours=amount // 10)
        before = self.shelf.totals(who, self.now)
        written = 0
        for _ in range(20):
            done = self.do(who, lambda here: adjusting.expire(here, until, stamp(self.now)))
            written += len(done.entries)
            if not done.more:
                break
        assert written == self.players[who].expire(until)
        assert self.shelf.totals(who, self.now) == before

    def merge(self) -> None:
        self.now += timedelta(milliseconds=1)
        for player in self.players.values():
            player.pass_time(self.now)
        self.shelf.merge(TWO, ONE, self.now)
        gone = self.players.pop(TWO)
        self.players[ONE].join(gone)
        self.sales[ONE] += self.sales.pop(TWO)
        self.spent[ONE] += self.spent.pop(TWO)

    # ------------------------------------------------------------ judging

    def judge(self) -> None:
        for who, player in self.players.items():
            if who not in self.shelf.balances:
                continue
            totals = self.shelf.totals(who, self.now)
            assert (
                totals.available_points,
                totals.pending_points,
                totals.debt_points,
                totals.lifetime_earned,
            ) == (player.available, player.pending, player.owed, player.lifetime)
            assert not (totals.debt_points and totals.available_points)
            assert min(player.available, player.pending, player.lifetime) >= 0
            assert live(self.shelf.lots(who, self.now).values(), self.now) == player.held
            self.judge_ledger(who)

    def judge_ledger(self, who: str) -> None:
        result = self.shelf.recalculate(who, self.now)
        assert result.differences == ()
        assert result.chain_fault is None
        entries = self.shelf.entries[who]
        assert [e.sequence for e in entries] == list(range(1, len(entries) + 1))
        assert all(entry.balanced for entry in entries)
        assert self.shelf.reachable(who) == self.shelf.stored_for(who), "no page is lost"
        replay = self.shelf.replay(who, self.now)
        assert replay.totals == self.shelf.totals(who, self.now)
        assert replay.open_lots == self.shelf.lots(who, self.now)
        self.judge_checkpoints(who)
        assert all(len(p.lots) <= 3 and len(p.entries) <= 3 for p in self.shelf.pages.values())
        assert all(len(b.pages) <= 4 for b in self.shelf.balances.values())

    def judge_checkpoints(self, who: str) -> None:
        """From the last checkpoint everything is as from the first entry; now and then another."""
        whole, (late, _) = self.shelf.replay(who, self.now), self.shelf.resumed(who, self.now)
        assert (late.broken, late.divergence) == (None, None)
        assert (late.totals, late.open_lots, late.sequence) == (
            whole.totals,
            whole.open_lots,
            whole.sequence,
        )
        assert (late.last_hash, late.absorbed) == (whole.last_hash, whole.absorbed)
        last = self.shelf.heads.get(who)
        if last is None or late.sequence >= last.sequence + 3:
            self.shelf.keep_checkpoint(who, self.now)

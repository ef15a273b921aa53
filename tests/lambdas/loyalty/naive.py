"""A second opinion: the rules of points as a child would play them, one token per point.

No pages, no directory, no clockwork, no sums: every point is an object that lies in a lot or was
handed over, and time passes one instant after the other.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta


@dataclass(eq=False)
class Pot:
    """A lot: its points are tokens, the numbers do not matter. ``swept`` are those that lay in it
    when it was cleared after its end, and that no refund has counted yet."""

    name: str
    opens: datetime
    ends: datetime | None
    number: int
    tokens: int = 0
    swept: int = 0

    def gone(self, now: datetime) -> bool:
        return self.ends is not None and self.ends <= now

    def open(self, now: datetime) -> bool:
        return self.opens <= now and not self.gone(now)


@dataclass(eq=False)
class Spending:
    """A redemption: each token that was spent, by the pot it came from."""

    who: str
    when: int
    tokens: list[Pot]
    restored: int = 0


@dataclass(eq=False)
class Sale:
    """An earn: its pot, and how many of its points were taken back."""

    pot: Pot | None
    points: int
    reversed: int = 0


@dataclass
class Player:
    """One customer. ``owed`` is debt; ``paid`` holds each token that repaid some, in order, with
    the step after which it did."""

    name: str
    now: datetime
    pots: list[Pot] = field(default_factory=list)
    owed: int = 0
    lifetime: int = 0
    steps: int = 0
    paid: list[tuple[str, int, Pot]] = field(default_factory=list)
    joins: dict[str, int] = field(default_factory=dict)

    def ordered(self) -> list[Pot]:
        never = [p for p in self.pots if p.ends is None]
        ending = [p for p in self.pots if p.ends is not None]
        ending.sort(key=lambda p: (p.ends, p.opens, p.number, p.name))
        never.sort(key=lambda p: (p.opens, p.number, p.name))
        return [p for p in ending + never if p.open(self.now)]

    def pass_time(self, until: datetime) -> None:
        moments = sorted({p.opens for p in self.pots if self.now < p.opens <= until} | {until})
        for moment in moments:
            self.now = moment
            self.pay()

    def pay(self) -> None:
        for pot in self.ordered():
            while self.owed and pot.tokens:
                pot.tokens -= 1
                self.owed -= 1
                self.paid.append((self.name, self.steps, pot))

    def step(self) -> None:
        self.steps += 1
        self.pay()

    def grab(self, count: int, besides: Pot | None = None) -> list[Pot]:
        grabbed = []
        for pot in self.ordered():
            while len(grabbed) < count and pot.tokens and pot is not besides:
                pot.tokens -= 1
                grabbed.append(pot)
        return grabbed

    # ------------------------------------------------------------ moves

    def give(self, name: str, points: int, opens: datetime, ends: datetime | None) -> Pot:
        pot = Pot(name, opens, ends, self.steps + 1, points)
        self.pots.append(pot)
        return pot

    def earn(self, name: str, points: int, opens: datetime, ends: datetime | None) -> Sale:
        pot = self.give(name, points, opens, ends) if points else None
        self.lifetime += points
        self.step()
        return Sale(pot, points)

    def redeem(self, points: int) -> Spending:
        tokens = self.grab(points)
        self.step()
        return Spending(self.name, self.steps, tokens)

    def restore(self, spent: Spending, count: int, name: str, renew: timedelta | None) -> None:
        """Token by token: to debt, to a pot that paid debt since, home. ``renew``: how long those
        of pots that are gone live on, in a new pot."""
        fresh = 0
        for _ in range(count):
            spent.restored += 1
            if self.owed:
                self.owed -= 1
                continue
            since = [i for i, paid in enumerate(self.paid) if self.counts(paid, spent)]
            pot = self.paid.pop(since[-1])[2] if since else spent.tokens.pop()
            if renew is not None and pot.gone(self.now):
                fresh += 1
            else:
                pot.tokens += 1
        if fresh and renew is not None:
            self.give(name, fresh, self.now, self.now + renew)
        self.step()

    def counts(self, paid: tuple[str, int, Pot], spent: Spending) -> bool:
        who, when, _ = paid
        if who == spent.who:
            return when >= spent.when
        return spent.who in self.joins and who == self.name and when >= self.joins[spent.who]

    def reverse(self, sale: Sale, points: int, shortfall: str, uncollected: str) -> bool:
        """False: refused. What lies in the sale's own pot goes, though nobody could spend it any
        more; what was swept from it is gone already, and is not taken a second time."""
        own = swept = 0
        if sale.pot is not None:
            own = min(sale.pot.tokens, points)
            swept = min(sale.pot.swept, points - own)
        others = [p.tokens for p in self.ordered() if p is not sale.pot]
        found = own + swept + (sum(others) if shortfall == "any_lot" else 0)
        if uncollected == "reject" and found < points:
            return False
        if sale.pot is not None:
            sale.pot.tokens -= own
            sale.pot.swept -= swept
        left = points - own - swept
        if shortfall == "any_lot":
            left -= len(self.grab(left, sale.pot))
        self.owed += left if uncollected == "debt" else 0
        self.lifetime -= min(points, self.lifetime)
        sale.reversed += points
        self.step()
        return True

    def take(self, points: int, *, owe: bool) -> bool:
        if not owe and sum(p.tokens for p in self.ordered()) < points:
            return False
        self.owed += points - len(self.grab(points))
        self.step()
        return True

    def expire(self, until: datetime) -> int:
        due = [p for p in self.pots if p.gone(until) and p.tokens]
        for pot in due:
            pot.swept += pot.tokens
            pot.tokens = 0
            self.step()
        return len(due)

    def join(self, other: Player) -> None:
        self.pots += other.pots
        self.owed += other.owed
        self.lifetime += other.lifetime
        self.paid = other.paid + self.paid
        self.steps += 1
        self.joins[other.name] = self.steps
        self.pay()

    # ------------------------------------------------------------ looking

    @property
    def available(self) -> int:
        return sum(p.tokens for p in self.ordered())

    @property
    def pending(self) -> int:
        return sum(p.tokens for p in self.pots if p.opens > self.now and not p.gone(self.now))

    @property
    def held(self) -> dict[str, int]:
        return {p.name: p.tokens for p in self.pots if p.tokens and not p.gone(self.now)}

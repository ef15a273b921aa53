"""Many clients on one item of DynamoDB, in a model that compares ways to write and ways to wait.

A model, because no local engine refuses transactions that overlap.

The model: a client reads the item, decides, and sends a transaction; after its answer it begins
again. A transaction holds the item from its preparation to its end. One that meets it held is
refused at once (``TransactionConflict``). One whose condition fails has held it nevertheless, and
brings the fresh item. Times are log-normal; their medians are guesses, stated below, so read the
comparison and not the figures.
"""

from __future__ import annotations

import heapq
import itertools
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from shared.table import RETRY_S, after_conflict

CLIENTS = (2, 4, 8, 16, 32)
COLUMNS = ["model: condition, pause", *(f"{many} clients: busy, answers/s" for many in CLIENTS)]
READ_S, COMMIT_S, REFUSAL_S, REST_S = 0.004, 0.009, 0.006, 0.006
SPREAD = 0.35
MODEL_SECONDS = 60

Pause = Callable[[int, float], float]
"""(attempts, seconds left) to the longest pause."""


def exponential(attempts: int, _: float) -> float:
    """The usual one: twice as long each time, from 5 ms to 100 ms."""
    return min(0.1, 0.005 * 2**attempts)


@dataclass
class Item:
    """What all the clients write."""

    revision: int = 0
    held_until: float = 0.0


@dataclass
class Model:
    """``by_revision``: a transaction's condition is the revision that was read; otherwise it is one
    on the amount, which others' writes leave true."""

    pause: Pause
    by_revision: bool
    dice: random.Random = field(default_factory=lambda: random.Random(1))
    item: Item = field(default_factory=Item)
    answered: int = 0
    busy: int = 0
    now: float = 0.0

    def took(self, median: float) -> float:
        return median * self.dice.lognormvariate(0, SPREAD)

    def run(self, clients: int) -> str:
        """Runs the clients; returns the share of ``busy`` and the answers a second."""
        order = itertools.count()
        queue = [(self.took(REST_S), next(order), self.client()) for _ in range(clients)]
        heapq.heapify(queue)
        while queue[0][0] < MODEL_SECONDS:
            self.now, _, client = heapq.heappop(queue)
            heapq.heappush(queue, (self.now + next(client), next(order), client))
        whole = self.answered + self.busy
        return f"{100 * self.busy / whole:.1f} %, {self.answered / MODEL_SECONDS:.0f}"

    def client(self) -> Iterator[float]:
        """Yields the seconds until it goes on."""
        while True:
            yield self.took(READ_S)
            yield from self.write()
            yield self.took(REST_S)

    def write(self) -> Iterator[float]:
        seen, ends = self.item.revision, float("inf")
        for attempts in itertools.count():
            if self.item.held_until > self.now:
                yield self.took(REFUSAL_S)
            elif self.by_revision and seen != self.item.revision:
                yield from self.hold(REFUSAL_S)
                seen = self.item.revision
            else:
                yield from self.hold(COMMIT_S)
                self.item.revision += 1
                self.answered += 1
                return
            ends = min(ends, self.now + RETRY_S)
            if self.now >= ends:
                self.busy += 1
                return
            left = ends - self.now
            yield self.dice.uniform(0, min(left, self.pause(attempts, left)))

    def hold(self, median: float) -> Iterator[float]:
        seconds = self.took(median)
        self.item.held_until = self.now + seconds
        yield seconds


def lines() -> list[list[str]]:
    """A line for each way to write and to wait."""
    return [
        [f"{condition}, {waiting}", *(Model(pause, by_revision).run(n) for n in CLIENTS)]
        for condition, by_revision in (("revision", True), ("amount", False))
        for waiting, pause in (("ours", after_conflict), ("exponential", exponential))
    ]

"""Bad weather for a day of tills, and tills that ask until they have an answer.

A programme of ``make soak`` gives its tills their moves; how a day runs, what goes wrong in it and
how a till asks again is the same for all of them.
"""

from __future__ import annotations

import random
import threading
import time
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from infra.local.settings import child_environment
from shared import clients
from tests.builders import Response
from tests.faults import (
    OPERATIONS,
    Fault,
    conflict,
    lost_answer,
    throttled,
    transaction_throttled,
    unreachable,
)

CLIENTS = 32
SECONDS = float(child_environment({}).get("SOAK_SECONDS") or 120)
NOT_YET = ("busy", "unavailable")
SENT_AGAIN = 0.25

Ask = Callable[[], Response]
"""One request, in the same words however often it is sent."""


class Weather:
    """A client on a bad day: a quarter of the transactions' answers are lost, and of all calls
    some are refused, cancelled or never arrive."""

    READS: tuple[tuple[float, Fault], ...] = ((0.03, throttled()), (0.02, unreachable()))
    WRITES: tuple[tuple[float, Fault], ...] = (
        (0.25, lost_answer()),
        (0.05, conflict()),
        (0.03, throttled()),
        (0.02, transaction_throttled()),
        (0.02, unreachable()),
    )

    def __init__(self, client: Any, seed: int) -> None:
        self._client = client
        self._chance, self._lock = random.Random(seed), threading.Lock()
        self.met: Counter[str] = Counter()

    def __getattr__(self, name: str) -> Any:
        real = getattr(self._client, name)
        if name not in OPERATIONS:
            return real

        def call(**arguments: Any) -> Any:
            fault = self._drawn(self.WRITES if name == "transact_write_items" else self.READS)
            if fault is None:
                return real(**arguments)
            return fault(self._client, name, arguments, lambda: real(**arguments))

        return call

    def _drawn(self, faults: tuple[tuple[float, Fault], ...]) -> Fault | None:
        with self._lock:
            left = self._chance.random()
            for share, fault in faults:
                left -= share
                if left < 0:
                    self.met[fault.__qualname__.partition(".")[0]] += 1
                    return fault
        return None


class PatientTill(ABC):
    """One client. Whatever goes wrong, it asks again, in the same words, until it has an answer.
    ``ASKS_AGAIN``: the refusals that settle nothing, such as a revision that has passed where the
    words name one."""

    ASKS_AGAIN: tuple[str, ...] = NOT_YET

    def __init__(self, number: int) -> None:
        self.number, self.sent = number, 0
        self.chance = random.Random(number)
        self.heard: list[tuple[Ask, Response]] = []
        self.done = self.retried = self.repeated = 0

    @abstractmethod
    def move(self) -> None:
        """One thing that a till does."""

    def work(self, until: float) -> None:
        while time.monotonic() < until:
            self.move()

    def named(self, letter: str) -> str:
        """A name for an order, or a key, that no till has used yet."""
        self.sent += 1
        return f"{letter}-{self.number}-{self.sent}"

    def answered(self, ask: Ask, *, repeatable: bool = True) -> Response:
        """The first answer that settles it. After a quarter of the successes something is sent once
        more, this or (where it stays ``repeatable``) what was settled long ago, and must hear what
        it heard then."""
        before = self.retried
        answer = self.settled(ask)
        # A lost answer between service and table is no business of whoever asked once only.
        assert self.retried > before or not answer.replayed
        if answer.status == 200:
            self.done += 1
            again = self.chance.random() < SENT_AGAIN
            if again and (not self.heard or self.chance.random() < 0.5):
                self._hear_again(ask, answer)
            elif again:
                self._hear_again(*self.chance.choice(self.heard))
            if repeatable:
                self.heard.append((ask, answer))
        return answer

    def _hear_again(self, ask: Ask, first: Response) -> None:
        again = self.settled(ask)
        assert again.status == 200, again.body
        assert again.data == first.data
        assert again.body.get("revision") == first.body.get("revision")
        assert again.replayed
        self.repeated += 1

    def settled(self, ask: Ask) -> Response:
        """The first answer that settles it."""
        while True:
            answer = ask()
            if answer.status == 200 or answer.tag not in self.ASKS_AGAIN:
                return answer
            self.retried += 1
            if answer.tag != "conflict":
                time.sleep(self.chance.uniform(0, 0.1))


def bad_day(tills: Sequence[PatientTill]) -> None:
    """All tills at work for SOAK_SECONDS. The weather is fine again afterwards, for the accounts to
    be looked at, and it was as bad as it should have been."""
    real = clients.dynamodb()
    weather = Weather(real, seed=1)
    clients.use(dynamodb=weather)
    try:
        until = time.monotonic() + SECONDS
        with ThreadPoolExecutor(len(tills)) as pool:
            for done in [pool.submit(till.work, until) for till in tills]:
                done.result()
    finally:
        clients.use(dynamodb=real)
    assert set(weather.met) == {
        "lost_answer", "conflict", "throttled", "transaction_throttled", "unreachable",
    }  # fmt: skip
    assert all(till.done for till in tills)
    assert any(till.retried for till in tills)
    assert any(till.repeated for till in tills)

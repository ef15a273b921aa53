"""The announcer: it tells which occurrences of subscriptions are due, in every org, and writes what
the calendar has changed. At midnight very many are due at once, so it works on several of them at
the same time; one subscription is with one thread at a time, which keeps its order.

It does not ask for the status of an org: ``lambdas.subscription.operations.announcing`` says why.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from datetime import datetime

from lambdas.subscription import storage
from lambdas.subscription.operations.announcing import advance, reads_of
from shared import log
from shared.api import new_id
from shared.codec import Wire, decode, view_of
from shared.errors import Busy, NotFound
from shared.identity import OrgRecord
from shared.keys import of_org
from shared.paging import page
from shared.records import Get, Records
from shared.system import system_call
from shared.table import Table

PAGE = 100
"""How many subscriptions are taken up at once, those that wait longest first."""
STEPS = 20
"""How many steps of one subscription are written before all the others have had their turn."""
WORKERS = 16
"""How many subscriptions are written at the same time. While one waits for the table another one
uses the processor; ``docs/performance.md`` says how far that goes."""
BEGUN = 2 * WORKERS
"""How many have a thread or wait for one: so none is idle while the next page is read."""


@dataclass(frozen=True, slots=True)
class Due:
    """A subscription for which there is something to write, as the list of all orgs has it.
    ``known``: what was read of it together with the others of its page, for its first step."""

    orgcode: str
    subscription_id: str
    known: Records | None = None


@dataclass(slots=True)
class Announcer:
    """One run. It ends when everything is written that was due at ``now``, or when the time is up
    (``until``: by the monotonic clock). ``found``: the subscriptions that it took up; ``written``:
    the occurrences and changes that it wrote; ``failed``: the subscriptions that stay as they are
    until the next run. Those of a customer who is being erased wait, and count as neither."""

    now: datetime
    until: float = 0.0
    found: int = 0
    written: int = 0
    failed: int = 0
    _cursor: str | None = None
    _is_done: bool = False
    _taken: set[str] = field(default_factory=set)
    _left: deque[Due] = field(default_factory=deque)
    _later: deque[Due] = field(default_factory=deque)
    _orgs: dict[str, Wire | None] = field(default_factory=dict)
    _run_id: str = ""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def work(self, until: float) -> None:
        """Goes on with the run. It may be called again with more time."""
        self.until, self._run_id = until, self._run_id or new_id(self.now)
        begun: dict[Future[bool], Due] = {}
        with ThreadPoolExecutor(WORKERS, thread_name_prefix="announcer") as pool:
            try:
                while self._begin(pool, begun):
                    for ended in wait(begun, return_when=FIRST_COMPLETED).done:
                        self._take_back(begun.pop(ended), ended)
            finally:
                # Whatever ends this loop: no thread goes on behind it for longer than one step.
                self.until = 0.0

    def _is_up(self) -> bool:
        return time.monotonic() >= self.until

    def _begin(self, pool: ThreadPoolExecutor, begun: dict[Future[bool], Due]) -> bool:
        """Gives the threads as much as they can do. Returns whether they do anything."""
        while len(begun) < BEGUN and (due := self._next()) is not None:
            begun[pool.submit(self._advance, due)] = due
        return bool(begun)

    def _next(self) -> Due | None:
        """Returns the subscription whose turn it is: those that have more come after all others."""
        if self._is_up():
            return None
        if not self._left and not self._take_up():
            self._left, self._later = self._later, self._left
        return self._left.popleft() if self._left else None

    def _take_up(self) -> bool:
        """Takes up the next page of what is due. Returns whether there was any."""
        while not self._is_done and not self._left:
            views, self._cursor = page(
                Table(), storage.due_by(self.now), PAGE, self._cursor, view_of
            )
            self._is_done = self._cursor is None
            # One that has more moves on in the list, and so may come a second time.
            new = [v for v in views if v["subscription_id"] not in self._taken]
            self._left += self._read([Due(v["orgcode"], v["subscription_id"]) for v in new])
            self._taken |= {due.subscription_id for due in self._left}
            self.found += len(self._left)
        return bool(self._left)

    def _read(self, found: list[Due]) -> list[Due]:
        """Returns the subscriptions of a page with what their first steps need. It is read at once:
        an occurrence then costs one call of its own, the write. Nothing is decoded here, because
        what is damaged must stop no other."""
        orgs = {
            code: Get(of_org(code).org_record(), OrgRecord)
            for code in {due.orgcode for due in found} - self._orgs.keys()
        }
        places = [reads_of(of_org(due.orgcode), due.subscription_id) for due in found]
        records = Table().load([*orgs.values(), *(get for gets in places for get in gets)])
        self._orgs |= {code: records.wire(place) for code, place in orgs.items()}
        return [
            replace(due, known=Records({get.key: records.wire(get) for get in gets}))
            for due, gets in zip(found, places, strict=True)
        ]

    def _take_back(self, due: Due, ended: Future[bool]) -> None:
        """Takes a subscription back from its thread. What has gone wrong with it, even a defect,
        stays with it and stops no other."""
        error = ended.exception()
        if error is None:
            if ended.result():
                self._later.append(replace(due, known=None))
            return
        if not isinstance(error, Exception):
            raise error  # The process ends.
        log.failed(error, call=f"subscription {due.subscription_id}")
        self.failed += 1

    def _advance(self, due: Due) -> bool:
        """Writes the next steps of a subscription. Returns whether there may be more of them."""
        wire, known = self._orgs[due.orgcode], due.known
        if wire is None:
            raise NotFound()
        org = decode(OrgRecord, wire)
        for _ in range(STEPS):
            if self._is_up():
                return True
            # A new call for each step: the retry budget is that of one write.
            call = system_call(org, self.now, work="subscription/due", work_id=self._run_id)
            try:
                step = advance(call, due.subscription_id, known)
            except Busy:
                return False
            known = None
            with self._lock:
                self.written += step.written
            if not step.more:
                return False
        return True

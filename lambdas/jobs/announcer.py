"""The announcer: it tells which occurrences of subscriptions are due, in every org, and writes what
the calendar has changed."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass, field
from datetime import datetime

from lambdas.subscription import storage
from lambdas.subscription.operations.announcing import advance
from shared import log
from shared.api import new_id
from shared.codec import view_of
from shared.errors import Busy
from shared.identity import OrgRecord
from shared.keys import of_org
from shared.paging import page
from shared.records import Get
from shared.system import system_call
from shared.table import Table

PAGE = 100
"""How many subscriptions are taken up at once, those that wait longest first."""
STEPS = 20
"""How many steps of one subscription are written before the others of its page have their turn."""


@dataclass(frozen=True, slots=True)
class Due:
    """A subscription for which there is something to write, as the list of all orgs has it."""

    orgcode: str
    subscription_id: str


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
    _left: deque[Due] = field(default_factory=deque)
    _orgs: dict[str, OrgRecord] = field(default_factory=dict)
    _run_id: str = ""

    def work(self, until: float) -> None:
        """Goes on with the run. It may be called again with more time."""
        self.until, self._run_id = until, self._run_id or new_id(self.now)
        while not self._is_up() and (self._left or self._take_up()):
            due = self._left.popleft()
            if self._advance(due):
                # It has more, but whoever waits beside it comes first.
                self._left.append(due)

    def _is_up(self) -> bool:
        return time.monotonic() >= self.until

    def _take_up(self) -> bool:
        """Takes up the next page of what is due. Returns whether there was any."""
        while not self._is_done and not self._left:
            views, self._cursor = page(
                Table(), storage.due_by(self.now), PAGE, self._cursor, view_of
            )
            self._is_done = self._cursor is None
            self._left += [Due(v["orgcode"], v["subscription_id"]) for v in views]
            self.found += len(views)
        return bool(self._left)

    def _advance(self, due: Due) -> bool:
        """Writes the next steps of a subscription. Returns whether there may be more of them. What
        goes wrong with one subscription, even a defect, must stop no other."""
        try:
            for _ in range(STEPS):
                if self._is_up():
                    return True
                # A new call for each step: the retry budget is that of one write.
                call = system_call(
                    self._org(due.orgcode), self.now, work="subscription/due", work_id=self._run_id
                )
                if not advance(call, due.subscription_id):
                    return False
                self.written += 1
        except Busy:
            return False
        except Exception as error:
            log.failed(error, call=f"subscription {due.subscription_id}")
            self.failed += 1
            return False
        return True

    def _org(self, orgcode: str) -> OrgRecord:
        if orgcode not in self._orgs:
            place = Get(of_org(orgcode).org_record(), OrgRecord)
            self._orgs[orgcode] = Table().load([place]).require(place)
        return self._orgs[orgcode]

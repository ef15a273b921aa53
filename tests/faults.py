"""Fault injection at the DynamoDB client, for faults that no local engine has.

``Faults(client)`` replaces the client (``clients.use(dynamodb=…)``). It records every call. A call
with an injected fault fails in the same way as on AWS: with the same exception class and the same
form of the answer, before or after the real call. ``inject`` chooses the calls::

    faults.inject(conflict(), operation="transact_write_items")  # the next transaction
    faults.inject(lost_answer(), operation="transact_write_items", at=2)  # the second from now
    faults.inject(crash(before=True), at=7)  # the seventh call of any kind
    faults.inject(throttled(), times=3)  # the next three calls
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from shared.aws_client import ServiceError, Unanswered

Perform = Callable[[], dict[str, Any]]
OPERATIONS = frozenset(
    {"batch_get_item", "query", "transact_write_items", "batch_write_item", "update_item"}
)
"""What the service asks of the table."""
Fault = Callable[[Any, str, dict[str, Any], Perform], dict[str, Any]]
"""``fault(client, operation, arguments, perform)``: ``perform()`` makes the real call."""


class Crash(BaseException):
    """The process ends here. No code may catch it, because no code runs after its process."""


@dataclass(frozen=True)
class Made:
    """One call that reached the client."""

    operation: str
    arguments: dict[str, Any]


@dataclass
class _Planned:
    fault: Fault
    operation: str | None
    wait: int
    times: int


class Faults:
    """A client with injected faults at these operations. Everything else is the real client."""

    def __init__(self, client: Any, operations: frozenset[str] = OPERATIONS) -> None:
        self._client = client
        self._operations = operations
        self._lock = threading.Lock()
        self._planned: list[_Planned] = []
        self.calls: list[Made] = []

    def inject(
        self, fault: Fault, *, operation: str | None = None, at: int = 1, times: int = 1
    ) -> None:
        """Makes ``times`` calls fail. The first one is the ``at``-th call from now on (1: the
        next), counting the calls of this operation only, or all calls."""
        with self._lock:
            self._planned.append(_Planned(fault, operation, at - 1, times))

    def clear(self) -> None:
        """Forgets the planned faults and the recorded calls."""
        with self._lock:
            self._planned.clear()
            self.calls.clear()

    def count(self, operation: str | None = None) -> int:
        """Returns how many calls reached the client since the start or the last ``clear``."""
        with self._lock:
            return sum(1 for call in self.calls if operation in (None, call.operation))

    @property
    def pending(self) -> int:
        """The number of faults that have not happened yet. A test that expects a fault asserts that
        this is 0 at the end."""
        with self._lock:
            return len(self._planned)

    def __getattr__(self, name: str) -> Any:
        real = getattr(self._client, name)
        if name not in self._operations:
            return real

        def call(**arguments: Any) -> Any:
            fault = self._next_fault(name, arguments)
            if fault is None:
                return real(**arguments)
            return fault(self._client, name, arguments, lambda: real(**arguments))

        return call

    def _next_fault(self, operation: str, arguments: dict[str, Any]) -> Fault | None:
        with self._lock:
            self.calls.append(Made(operation, arguments))
            hit: _Planned | None = None
            for plan in self._planned:
                if plan.operation not in (None, operation):
                    continue
                if plan.wait > 0:
                    plan.wait -= 1
                elif hit is None:
                    hit = plan
            if hit is None:
                return None
            hit.times -= 1
            if hit.times == 0:
                self._planned.remove(hit)
            return hit.fault


def conflict(*actions: int) -> Fault:
    """The transaction is cancelled, because another one is writing the items of these actions (by
    index; all if none is given). Other operations get ``TransactionConflictException``."""

    def fault(_: Any, operation: str, arguments: dict[str, Any], __: Perform) -> Any:
        message = "Transaction is ongoing for the item"
        if operation not in ("transact_write_items", "transact_get_items"):
            raise _error("TransactionConflictException", message)
        many = len(arguments["TransactItems"])
        hit = actions or tuple(range(many))
        reasons = [
            {"Code": "TransactionConflict", "Message": message} if i in hit else {"Code": "None"}
            for i in range(many)
        ]
        raise _cancelled(reasons)

    return fault


def throttled(code: str = "ProvisionedThroughputExceededException") -> Fault:
    """The call is throttled."""

    def fault(_: Any, __: str, ___: dict[str, Any], ____: Perform) -> Any:
        raise _error(code, "The level of configured throughput was exceeded")

    return fault


def transaction_throttled() -> Fault:
    """The transaction is cancelled, because its first item is throttled."""

    def fault(_: Any, __: str, arguments: dict[str, Any], ___: Perform) -> Any:
        reasons = [{"Code": "None"} for _ in arguments["TransactItems"]]
        reasons[0] = {"Code": "ThrottlingError", "Message": "Throughput exceeds the limit"}
        raise _cancelled(reasons)

    return fault


def lost_answer() -> Fault:
    """The call takes effect, but its answer is lost."""

    def fault(_: Any, __: str, ___: dict[str, Any], perform: Perform) -> Any:
        perform()
        raise Unanswered("lost")

    return fault


def meanwhile(act: Callable[[], Any]) -> Fault:
    """Something else happens just before the call reaches the table."""

    def fault(_: Any, __: str, ___: dict[str, Any], perform: Perform) -> Any:
        act()
        return perform()

    return fault


def unreachable() -> Fault:
    """The call never reaches the table."""

    def fault(_: Any, __: str, ___: dict[str, Any], ____: Perform) -> Any:
        raise Unanswered("unreachable")

    return fault


def crash(*, before: bool) -> Fault:
    """The process ends just before or just after the call."""

    def fault(_: Any, operation: str, __: dict[str, Any], perform: Perform) -> Any:
        if not before:
            perform()
        raise Crash(f"{'before' if before else 'after'} {operation}")

    return fault


def unprocessed(answered: int = 1) -> Fault:
    """A batch read answers only its first ``answered`` keys, and returns the others as unprocessed.
    It answers at least one: a batch without any answer is ``throttled`` instead."""

    def fault(client: Any, operation: str, arguments: dict[str, Any], _: Perform) -> Any:
        if operation != "batch_get_item":
            raise AssertionError(f"{operation} has no unprocessed keys")
        if answered < 1:
            raise AssertionError("a batch that serves no key is throttled instead")
        kept: dict[str, Any] = {}
        left: dict[str, Any] = {}
        room = answered
        for table, request in arguments["RequestItems"].items():
            now, later = request["Keys"][:room], request["Keys"][room:]
            room -= len(now)
            if now:
                kept[table] = {**request, "Keys": now}
            if later:
                left[table] = {**request, "Keys": later}
        answer: dict[str, Any] = client.batch_get_item(**{**arguments, "RequestItems": kept})
        for table, request in left.items():
            answer["Responses"].setdefault(table, [])
            earlier = answer.setdefault("UnprocessedKeys", {}).get(table, {}).get("Keys", [])
            answer["UnprocessedKeys"][table] = {**request, "Keys": earlier + request["Keys"]}
        return answer

    return fault


def then(action: Callable[[], Any]) -> Fault:
    """Runs ``action`` just before the call, like another caller that comes first."""

    def fault(_: Any, __: str, ___: dict[str, Any], perform: Perform) -> Any:
        action()
        return perform()

    return fault


GONE_WRONG: dict[str, Callable[[], Fault]] = {
    "crash before": lambda: crash(before=True),
    "crash after": lambda: crash(before=False),
    "lost answer": lost_answer,
    "unreachable": unreachable,
    "throttled": throttled,
    "conflict": conflict,
}
"""The faults that any call may have. After each of them, a retry must end as if there were none."""


def _error(code: str, message: str, **more: Any) -> Exception:
    return ServiceError({"Error": {"Code": code, "Message": message}, "message": message, **more})


def _cancelled(reasons: list[dict[str, Any]]) -> Exception:
    codes = ", ".join(reason["Code"] for reason in reasons)
    message = (
        f"Transaction cancelled, please refer cancellation reasons for specific reasons [{codes}]"
    )
    return _error("TransactionCanceledException", message, CancellationReasons=reasons)


class LosingAnswers:
    """A client that loses the answer of every fourth transaction."""

    def __init__(self, client: Any) -> None:
        self._client, self._count, self._lock = client, 0, threading.Lock()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def transact_write_items(self, **arguments: Any) -> Any:
        with self._lock:
            self._count += 1
            lost = self._count % 4 == 0
        answer = self._client.transact_write_items(**arguments)
        if lost:
            raise Unanswered("lost")
        return answer

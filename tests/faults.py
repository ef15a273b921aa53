"""What no local engine does, done exactly at the one DynamoDB client.

``Faults(client)`` stands in the client's place (``clients.use(dynamodb=…)``). It counts every call
and, where told to, lets one go wrong the way AWS does: the same exception class, the same answer
shape, before or after the real call. A fault names the calls that it hits::

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

from botocore.exceptions import EndpointConnectionError, ReadTimeoutError

Perform = Callable[[], dict[str, Any]]
Fault = Callable[[Any, str, dict[str, Any], Perform], dict[str, Any]]
"""``fault(client, operation, arguments, perform)``: ``perform()`` makes the real call."""


class Crash(BaseException):
    """The process ends here. No code may catch it, as no code outlives its process."""


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
    """A DynamoDB client that does what it is told to; everything else is the real client."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._lock = threading.Lock()
        self._planned: list[_Planned] = []
        self.calls: list[Made] = []

    def inject(
        self, fault: Fault, *, operation: str | None = None, at: int = 1, times: int = 1
    ) -> None:
        """Let ``times`` calls go wrong, the first of them the ``at``-th from now (1 is the next)
        among the calls of that operation, or among all."""
        with self._lock:
            self._planned.append(_Planned(fault, operation, at - 1, times))

    def clear(self) -> None:
        """Forget the plans and the calls made so far."""
        with self._lock:
            self._planned.clear()
            self.calls.clear()

    def count(self, operation: str | None = None) -> int:
        """How many calls reached the client since the start or the last ``clear``."""
        with self._lock:
            return sum(1 for call in self.calls if operation in (None, call.operation))

    @property
    def pending(self) -> int:
        """Faults that no call has met yet: a test that expects a fault asserts that this is 0."""
        with self._lock:
            return len(self._planned)

    def __getattr__(self, name: str) -> Any:
        real = getattr(self._client, name)
        if name not in self._client.meta.method_to_api_mapping:
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
    """The transaction is cancelled because another one is at work on the actions with these
    places (all of them when none is named). Other operations hear ``TransactionConflict``."""

    def fault(client: Any, operation: str, arguments: dict[str, Any], _: Perform) -> Any:
        message = "Transaction is ongoing for the item"
        if operation not in ("transact_write_items", "transact_get_items"):
            raise _error(client, operation, "TransactionConflictException", message)
        many = len(arguments["TransactItems"])
        hit = actions or tuple(range(many))
        reasons = [
            {"Code": "TransactionConflict", "Message": message} if i in hit else {"Code": "None"}
            for i in range(many)
        ]
        raise _cancelled(client, operation, reasons)

    return fault


def throttled(code: str = "ProvisionedThroughputExceededException") -> Fault:
    """The call is refused for want of capacity, after the SDK's own retries."""

    def fault(client: Any, operation: str, _: dict[str, Any], __: Perform) -> Any:
        raise _error(client, operation, code, "The level of configured throughput was exceeded")

    return fault


def transaction_throttled() -> Fault:
    """A transaction that is cancelled for want of capacity on its first item."""

    def fault(client: Any, operation: str, arguments: dict[str, Any], _: Perform) -> Any:
        reasons = [{"Code": "None"} for _ in arguments["TransactItems"]]
        reasons[0] = {"Code": "ThrottlingError", "Message": "Throughput exceeds the limit"}
        raise _cancelled(client, operation, reasons)

    return fault


def lost_answer() -> Fault:
    """The call is performed, and its answer never arrives."""

    def fault(client: Any, _: str, __: dict[str, Any], perform: Perform) -> Any:
        perform()
        raise ReadTimeoutError(endpoint_url=client.meta.endpoint_url)

    return fault


def meanwhile(act: Callable[[], Any]) -> Fault:
    """Something else happens just before the call reaches the table."""

    def fault(_: Any, __: str, ___: dict[str, Any], perform: Perform) -> Any:
        act()
        return perform()

    return fault


def unreachable() -> Fault:
    """The call never reaches the table."""

    def fault(client: Any, _: str, __: dict[str, Any], ___: Perform) -> Any:
        raise EndpointConnectionError(endpoint_url=client.meta.endpoint_url)

    return fault


def crash(*, before: bool) -> Fault:
    """The process ends just before or just after the call."""

    def fault(_: Any, operation: str, __: dict[str, Any], perform: Perform) -> Any:
        if not before:
            perform()
        raise Crash(f"{'before' if before else 'after'} {operation}")

    return fault


def unprocessed(answered: int = 1) -> Fault:
    """A batch read answers only its first ``answered`` keys and hands the others back. At least
    one: the database refuses a batch outright (``throttled``) when it can serve none of it."""

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
    """The call is performed after ``action``: another caller who comes in between."""

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
"""What may go wrong with any call: whatever it is, a retry must end as if it had not."""


def _error(client: Any, operation: str, code: str, message: str, **more: Any) -> Exception:
    response = {
        "Error": {"Code": code, "Message": message},
        "ResponseMetadata": {"HTTPStatusCode": 400, "RetryAttempts": 2},
        "message": message,
        **more,
    }
    name = client.meta.method_to_api_mapping[operation]
    error: Exception = client.exceptions.from_code(code)(response, name)
    return error


def _cancelled(client: Any, operation: str, reasons: list[dict[str, Any]]) -> Exception:
    codes = ", ".join(reason["Code"] for reason in reasons)
    message = (
        f"Transaction cancelled, please refer cancellation reasons for specific reasons [{codes}]"
    )
    return _error(
        client, operation, "TransactionCanceledException", message, CancellationReasons=reasons
    )


class LosingAnswers:
    """A client whose every fourth transaction is performed without its answer ever arriving."""

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
            raise ReadTimeoutError(endpoint_url=self._client.meta.endpoint_url)
        return answer

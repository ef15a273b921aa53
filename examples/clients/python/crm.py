"""A caller of the CRM: the generated client, made fit for tills that lose their network.

``make clients`` generates ``crm_client`` from the API document. It has one typed function for each
route, and knows nothing of retries. This module adds what every caller needs:

- Each write gets an idempotency key. All its attempts have the same, so a retry has no second
  effect.
- What may succeed later is tried again, with growing random pauses, within a budget of time.
- A refusal is raised, as the class of its tag.
- An answer that somebody else gave in the place of the service, such as a gateway, is told apart.
- A list is an iterator over its pages.
"""

from __future__ import annotations

import random
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, ClassVar, Protocol, TypeVar

import attrs
import httpx
from crm_client import AuthenticatedClient, Client
from crm_client.models import ErrorEnvelope, ErrorTag
from crm_client.types import UNSET, Response, Unset

Body = TypeVar("Body")
Envelope = TypeVar("Envelope")
ListBody = TypeVar("ListBody", bound=attrs.AttrsInstance)
Item = TypeVar("Item")
# What a generated function takes, and so is contravariant in, and what it answers.
Taken = TypeVar("Taken", contravariant=True)
Answered = TypeVar("Answered")


class Reading(Protocol[Taken, Answered]):
    """The generated function of a route that reads: its ``sync_detailed``."""

    def __call__(
        self, *, client: AuthenticatedClient | Client, body: Taken
    ) -> Response[Answered | ErrorEnvelope]: ...


class Writing(Protocol[Taken, Answered]):
    """The generated function of a route that writes: its ``sync_detailed``."""

    def __call__(
        self,
        *,
        client: AuthenticatedClient | Client,
        body: Taken,
        idempotency_key: str | Unset = UNSET,
    ) -> Response[Answered | ErrorEnvelope]: ...


def _of_a_later_release(enum: type[ErrorTag], value: object) -> ErrorTag:
    """Returns a tag that this client does not know yet. New tags break nobody, so the generated
    class must not raise for one: decide by the status."""
    tag = str.__new__(enum, str(value))
    tag._name_ = tag._value_ = str(value)
    return tag


ErrorTag._missing_ = classmethod(_of_a_later_release)  # type: ignore[method-assign, assignment]


class Refusal(Exception):
    """The service did not do what was asked, and says why."""

    TAG: ClassVar[ErrorTag | None] = None
    classes: ClassVar[dict[ErrorTag, type[Refusal]]] = {}

    def __init__(self, status: int, answer: ErrorEnvelope) -> None:
        error = answer.error
        super().__init__(f"{error.major.tag}: {error.major.message}")
        self.status = status
        self.tag = error.major.tag
        self.faults = error.minor
        self.retryable = error.retryable
        self.detail: dict[str, Any] = error.detail.to_dict()
        self.request_id = answer.stats.request_id
        self.answer = answer

    def __init_subclass__(cls) -> None:
        assert cls.TAG is not None
        Refusal.classes[cls.TAG] = cls

    @classmethod
    def of(cls, status: int, answer: ErrorEnvelope) -> Refusal:
        """Returns the refusal as the class of its tag."""
        return cls.classes.get(answer.error.major.tag, Refusal)(status, answer)


class InvalidInput(Refusal):
    """``faults`` names every one."""

    TAG = ErrorTag.INVALID_INPUT


class NotFound(Refusal):
    TAG = ErrorTag.NOT_FOUND


class Conflict(Refusal):
    """Somebody else changed the record: ``answer.data`` has it as it is now."""

    TAG = ErrorTag.CONFLICT


class AlreadyExists(Refusal):
    TAG = ErrorTag.ALREADY_EXISTS


class InvalidState(Refusal):
    TAG = ErrorTag.INVALID_STATE


class InsufficientBalance(Refusal):
    TAG = ErrorTag.INSUFFICIENT_BALANCE


class ForeignAnswer(Exception):
    """Somebody on the way answered, and not the service: there is no envelope. Whether the service
    did what was asked, nobody knows; where it is ``retryable``, the same call with the same key is
    safe."""

    def __init__(self, answer: httpx.Response) -> None:
        self.status = answer.status_code
        self.body = answer.text
        super().__init__(f"status {self.status} without an envelope: {self.body[:80]!r}")
        self.retryable = self.status == 429 or self.status >= 500
        self.retry_after_s = _retry_after_s(answer.headers)


def _must_be_of_the_service(answer: httpx.Response) -> None:
    """Raises a ``ForeignAnswer`` before the generated client reads one as an envelope: to it, every
    status has one."""
    answer.read()
    try:
        body = answer.json()
    except ValueError:
        body = None
    if not (isinstance(body, dict) and {"success", "stats"} <= body.keys()):
        raise ForeignAnswer(answer)


def _retry_after_s(headers: Mapping[str, str]) -> float:
    said = headers.get("Retry-After", "")
    # The service sends seconds. Others may send a date, which says no more than our own pauses.
    return float(said) if said.isdecimal() else 0.0


class Crm:
    """An org of a CRM, as one session or API key sees it."""

    def __init__(
        self,
        url: str,
        orgcode: str,
        *,
        session: str | None = None,
        api_key: str | None = None,
        budget_s: float = 15.0,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        """``budget_s``: how long one call may go on trying."""
        given = {"x-orgcode": orgcode, "x-session-guid": session, "x-api-key": api_key}
        headers = {name: value for name, value in given.items() if value is not None}
        options: dict[str, Any] = {"event_hooks": {"response": [_must_be_of_the_service]}}
        options |= {} if transport is None else {"transport": transport}
        self.client = Client(
            base_url=url, headers=headers, timeout=httpx.Timeout(10), httpx_args=options
        )
        self.budget_s = budget_s

    def read(self, route: Reading[Body, Envelope], body: Body) -> Envelope:
        """Calls a route that reads. Returns its answer, or raises a ``Refusal``; or, once the
        budget is spent, what kept the answer away: a ``ForeignAnswer`` or the network's error."""
        return self._answer(lambda: route(client=self.client, body=body))

    def write(self, route: Writing[Body, Envelope], body: Body, key: str | None = None) -> Envelope:
        """Calls a route that writes. ``key``: the idempotency key, where the caller keeps one of
        its own, for example to go on after a restart."""
        key = key or str(uuid.uuid4())
        return self._answer(lambda: route(client=self.client, body=body, idempotency_key=key))

    def pages(self, route: Reading[ListBody, Envelope], body: ListBody) -> Iterator[Envelope]:
        """Yields the pages of a list."""
        while True:
            page = self.read(route, body)
            yield page
            token = page.data.next_token  # type: ignore[attr-defined]
            if isinstance(token, Unset):
                return
            body = attrs.evolve(body, next_token=token)  # type: ignore[misc]

    def items(
        self,
        route: Reading[ListBody, Envelope],
        body: ListBody,
        of: Callable[[Envelope], Iterable[Item]],
    ) -> Iterator[Item]:
        """Yields the items of all the pages; ``of`` takes them out of a page."""
        for page in self.pages(route, body):
            yield from of(page)

    def _answer(self, attempt: Callable[[], Response[Envelope | ErrorEnvelope]]) -> Envelope:
        ends, pause_s = time.monotonic() + self.budget_s, 0.1
        while True:
            wait_s = random.uniform(0, pause_s)
            pause_s = min(2 * pause_s, 5.0)
            try:
                answer = attempt()
            except httpx.TransportError:
                # Nobody knows whether it arrived. The key makes the next attempt safe.
                if time.monotonic() + wait_s > ends:
                    raise
            except ForeignAnswer as foreign:
                wait_s = max(wait_s, foreign.retry_after_s)
                if not foreign.retryable or time.monotonic() + wait_s > ends:
                    raise
            else:
                found = answer.parsed
                if found is None:
                    raise RuntimeError(f"an answer without a form: status {answer.status_code}")
                if not isinstance(found, ErrorEnvelope):
                    return found
                wait_s = max(wait_s, _retry_after_s(answer.headers))
                if not found.error.retryable or time.monotonic() + wait_s > ends:
                    raise Refusal.of(answer.status_code, found)
            time.sleep(wait_s)

"""Every refusal the API can give, each class with its status and its tag.

::

    ApiError
    ├── InvalidInput 400 invalid-input            ├── Conflict 409 conflict
    │   └── InvalidNextToken 400 …next-token      ├── AlreadyExists 409 already-exists
    ├── ContextMismatch 400 context_mismatch      ├── IdempotencyKeyReused 409 …key-reused
    ├── Unauthorized 401 unauthorized             ├── InvalidState 409 invalid-state
    ├── Forbidden 403 forbidden                   ├── CreditLimitExceeded 409 …limit-exceeded
    ├── OrgWriteBlocked 403 org-write-blocked     ├── CreditHold 409 credit-hold
    ├── NotFound 404 not-found                    ├── InsufficientPoints 409 insufficient-points
    ├── MethodNotAllowed 405 …not-allowed         ├── InsufficientBalance 409 …-balance
    ├── PayloadTooLarge 413 payload-too-large     ├── CurrencyMismatch 409 currency-mismatch
    ├── UnsupportedMediaType 415 …media-type      ├── QuoteStale 409 quote-stale
    ├── ExpectedRevisionRequired 428 …required    ├── HoldPending 409 hold-pending
    ├── RateLimited 429 rate-limited              ├── LegalHold 409 legal-hold
    ├── InternalError 500 internal-error          └── Busy 409 busy (retryable)
    └── Unavailable 503 unavailable

Rules and operations raise these; the door renders them once. A message never repeats a secret or a
personal value: it names the field and says what would have been accepted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with a request: what kind, where (a dotted path), and what would be right."""

    tag: str
    field: str
    message: str

    def shown(self) -> dict[str, str]:
        return {"tag": self.tag, "field": self.field, "message": self.message}


class ApiError(Exception):
    """A refusal. ``detail`` says what would have been accepted; ``record`` is the current record
    under the key of the success answer, for a caller that has to decide again."""

    status: ClassVar[int] = 500
    tag: ClassVar[str] = "internal-error"
    fault: ClassVar[str | None] = None
    message: ClassVar[str] = "The service failed."
    retryable: ClassVar[bool] = False
    retry_after_s: ClassVar[int | None] = None

    def __init__(
        self,
        message: str | None = None,
        *,
        minor: Sequence[Fault] = (),
        detail: Mapping[str, Any] | None = None,
        record: Mapping[str, Any] | None = None,
        revision: int | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.said = message or self.message
        self.minor = tuple(minor)
        self.detail = dict(detail or {})
        self.record = record
        self.revision = revision
        self.headers = dict(headers or {})
        if self.retry_after_s is not None:
            self.headers.setdefault("Retry-After", str(self.retry_after_s))
        super().__init__(self.said)

    @classmethod
    def of(cls, field: str, message: str, tag: str | None = None) -> Self:
        """The refusal of a single field. Always a new one: an error that is raised again drags the
        frames of every request before it along."""
        return cls(minor=[Fault(tag or cls.fault or cls.tag, field, message)])


class InvalidInput(ApiError):
    status, tag, fault = 400, "invalid-input", "invalid"
    message = "The request is not valid; every fault is listed."


class InvalidNextToken(InvalidInput):
    tag = "invalid-next-token"
    message = "The next_token was not made for this list, or is no longer valid."


class ContextMismatch(ApiError):
    status, tag = 400, "context_mismatch"
    message = "Two places of the request contradict each other."


class Unauthorized(ApiError):
    status, tag = 401, "unauthorized"
    message = "A valid credential is required."


class Forbidden(ApiError):
    status, tag = 403, "forbidden"
    message = "The caller may not do this."


class OrgWriteBlocked(ApiError):
    status, tag = 403, "org-write-blocked"
    message = "The organisation's status does not allow writes."


class NotFound(ApiError):
    status, tag = 404, "not-found"
    message = "Not found."


class MethodNotAllowed(ApiError):
    status, tag = 405, "method-not-allowed"
    message = "The path exists, but not with this method."


class PayloadTooLarge(ApiError):
    status, tag = 413, "payload-too-large"
    message = "The body is larger than 256 KiB."


class UnsupportedMediaType(ApiError):
    status, tag = 415, "unsupported-media-type"
    message = "The body must be application/json."


class Conflict(ApiError):
    status, tag = 409, "conflict"
    message = "The record has changed: expected_revision is not the current revision."


class AlreadyExists(ApiError):
    status, tag = 409, "already-exists"
    message = "A unique value is taken."


class IdempotencyKeyReused(ApiError):
    status, tag = 409, "idempotency-key-reused"
    message = "The idempotency key was used for a different request."


class InvalidState(ApiError):
    status, tag = 409, "invalid-state"
    message = "The step is not allowed from the current state."


class CreditLimitExceeded(ApiError):
    status, tag = 409, "credit-limit-exceeded"
    message = "The amount is more than the credit that is available."


class CreditHold(ApiError):
    status, tag = 409, "credit-hold"
    message = "The account's credit is held."


class InsufficientPoints(ApiError):
    status, tag = 409, "insufficient-points"
    message = "There are not enough points."


class InsufficientBalance(ApiError):
    status, tag = 409, "insufficient-balance"
    message = "The card does not hold enough."


class CurrencyMismatch(ApiError):
    status, tag = 409, "currency-mismatch"
    message = "The currency is not the one in use here."


class QuoteStale(ApiError):
    status, tag = 409, "quote-stale"
    message = "The quote no longer holds; a new one is enclosed."


class HoldPending(ApiError):
    status, tag = 409, "hold-pending"
    message = "A pending hold blocks this action."


class LegalHold(ApiError):
    status, tag = 409, "legal-hold"
    message = "The customer is under a legal hold."


class Busy(ApiError):
    status, tag, retryable = 409, "busy", True
    message = "The record is being worked on; try again."


class ExpectedRevisionRequired(ApiError):
    status, tag = 428, "expected-revision-required"
    message = "This change needs expected_revision: the revision that it is based on."


class RateLimited(ApiError):
    status, tag, retryable, retry_after_s = 429, "rate-limited", True, 60
    message = "Too many attempts; wait before trying again."


class InternalError(ApiError):
    status, tag = 500, "internal-error"
    message = "The service failed; the request id names the log entry."


class Unavailable(ApiError):
    status, tag, retryable, retry_after_s = 503, "unavailable", True, 1
    message = "The table is unreachable or throttled; try again."

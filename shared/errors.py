"""Every error that the API can return: one class each, with its status and its tag.

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

Rules and operations raise these errors, and the door turns them into answers. A message never
contains a secret or a personal value. It names the field and says what is accepted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault of a request: its kind, its place (a dotted path), and what is accepted there."""

    tag: str
    field: str
    message: str

    def shown(self) -> dict[str, str]:
        return {"tag": self.tag, "field": self.field, "message": self.message}


class ApiError(Exception):
    """An error of the API. ``detail`` says what is accepted. ``record`` is the current record,
    under the same key as in the success answer, for a caller that has to decide again."""

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
        self.text = message or self.message
        self.minor = tuple(minor)
        self.detail = dict(detail or {})
        self.record = record
        self.revision = revision
        self.headers = dict(headers or {})
        if self.retry_after_s is not None:
            self.headers.setdefault("Retry-After", str(self.retry_after_s))
        super().__init__(self.text)

    @classmethod
    def of(cls, field: str, message: str, tag: str | None = None) -> Self:
        """Returns the error of a single field. It is a new object each time: an error that is
        raised twice also keeps the stack frames of the first request."""
        return cls(minor=[Fault(tag or cls.fault or cls.tag, field, message)])


class InvalidInput(ApiError):
    status, tag, fault = 400, "invalid-input", "invalid"
    message = "The request is not valid; minor lists every fault."


class InvalidNextToken(InvalidInput):
    tag = "invalid-next-token"
    message = "The next_token was not made for this list, or is no longer valid."


class ContextMismatch(ApiError):
    status, tag = 400, "context_mismatch"
    message = "Two places of the request contradict each other."


class Unauthorized(ApiError):
    status, tag = 401, "unauthorized"
    message = "A valid credential is required: x-session-guid or x-api-key."


class Forbidden(ApiError):
    status, tag = 403, "forbidden"
    message = "The caller may not do this."


class OrgWriteBlocked(ApiError):
    status, tag = 403, "org-write-blocked"
    message = "The organisation's status does not allow writes."


class NotFound(ApiError):
    status, tag = 404, "not-found"
    message = "There is no such path, or no such record in the org of the call."


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
    message = "Another record has this unique value."


class IdempotencyKeyReused(ApiError):
    status, tag = 409, "idempotency-key-reused"
    message = "The idempotency key was used for a different request."


class InvalidState(ApiError):
    status, tag = 409, "invalid-state"
    message = "The current state does not allow this step."


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
    message = "The balance of the card is too low."


class CurrencyMismatch(ApiError):
    status, tag = 409, "currency-mismatch"
    message = "The amount is not in the currency that is used here."


class QuoteStale(ApiError):
    status, tag = 409, "quote-stale"
    message = "The quote is out of date; detail has a new one."


class HoldPending(ApiError):
    status, tag = 409, "hold-pending"
    message = "A pending hold blocks this action."


class LegalHold(ApiError):
    status, tag = 409, "legal-hold"
    message = "The customer is under a legal hold."


class Busy(ApiError):
    status, tag, retryable = 409, "busy", True
    message = "Another call or job is working on the record; try again."


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

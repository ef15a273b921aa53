"""The envelope around every answer, as models: for the document and for the tests.

``shared.envelope`` and the door make it from plain values; a test checks that these models and what
they make agree, field by field.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field

from shared.fields import Shape

ContextSource = Literal["session", "api_key", "operator", "system"]
"""What a caller is known by."""


class Build(Shape):
    """Which build of the service answered."""

    build_major: Annotated[str, Field(examples=["1"])]
    """The major version."""
    build_minor: Annotated[str, Field(examples=["0"])]
    """The minor version."""
    build_id: Annotated[str, Field(examples=["MONDAY-1765671116"])]
    """The build itself."""


class Stats(Shape):
    """What is worth knowing of the call, beside its answer."""

    call: Annotated[str, Field(examples=["POST /account/create"])]
    """Method and path, without `/crm`."""
    service: Literal["crm"]
    """The service that answered."""
    request_id: Annotated[str, Field(examples=["01KA0000000000000000000000"])]
    """The id of the request; the header `X-Request-Id` and the service's log have it too."""
    timestamp_utc: Annotated[datetime, Field(examples=["2026-01-01T00:00:00Z"])]
    """When the call was taken up."""
    latency_ms: Annotated[int, Field(examples=[12])]
    """The service's own time, in milliseconds."""
    actor: Annotated[str | None, Field(examples=["user_guid:U123"])] = None
    """Who called: `user_guid:<id>` or `service_account:<id>`."""
    orgcode: Annotated[str | None, Field(examples=["ACME"])] = None
    """The org of the call."""
    context_source: ContextSource | None = None
    """What the caller was known by."""
    session_fingerprint: Annotated[str | None, Field(examples=["sf_3k9q"])] = None
    """Stands for the session in logs; it does not lead back to the secret."""
    api_key_fingerprint: Annotated[str | None, Field(examples=["kf_8d2m"])] = None
    """Stands for the API key in logs; it does not lead back to the secret."""
    cccode: Annotated[str | None, Field(examples=["AB12-CD34-EF56"])] = None
    """The `cccode` of the call, passed through."""
    build: Build
    """The same build again, for whoever keeps the stats alone."""
    read_units: Annotated[float | None, Field(examples=[1.0])] = None
    """Read capacity of the table that the call took."""
    write_units: Annotated[float | None, Field(examples=[2.0])] = None
    """Write capacity of the table that the call took."""


class Answer(Shape):
    """What every success has around its `data`."""

    success: Literal[True]
    """The call was carried out."""
    revision: int | None = None
    """The revision of the one record that the answer speaks of; absent on lists."""
    build: Build
    stats: Stats


class ErrorMajor(Shape):
    """What kind of refusal it is."""

    tag: Annotated[str, Field(examples=["invalid-input"], json_schema_extra={"title": "ErrorTag"})]
    """Decide by this."""
    message: Annotated[str, Field(examples=["The request is not valid; every fault is listed."])]
    """For people; its words may change."""


class ErrorMinor(Shape):
    """One fault of a request."""

    tag: Annotated[str, Field(examples=["missing"])]
    """What kind of fault it is; new kinds may come."""
    field: Annotated[str, Field(examples=["customer.email"])]
    """Where it is: a dotted path into the body, or `header NAME`."""
    message: Annotated[str, Field(examples=["is required"])]
    """What would be right. It never repeats what was sent."""


class Error(Shape):
    """A refusal: its kind, every fault, whether to try again, and what would have been accepted."""

    major: ErrorMajor
    """The kind."""
    minor: list[ErrorMinor]
    """Every fault that the request has, all at once; may be empty."""
    retryable: bool
    """Whether the same request may succeed later, unchanged."""
    detail: dict[str, Any]
    """What would have been accepted, such as `available`, `state`, `allowed`,
    `current_revision`."""


class ErrorEnvelope(Shape):
    """What every refusal looks like."""

    success: Literal[False]
    """The call changed nothing."""
    error: Error
    """Why."""
    data: dict[str, Any] | None = None
    """On `conflict`: the current record, under the key of the success answer."""
    revision: int | None = None
    """On `conflict`: the record's current revision."""
    build: Build
    stats: Stats

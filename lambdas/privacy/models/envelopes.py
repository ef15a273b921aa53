"""What goes out: the answers of the routes about whole customers."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field
from typing_extensions import TypeAliasType

from lambdas.customer.models.envelopes import ErasureJob
from shared.fields import Shape, SourceRefOut

MergeDirection = Literal["source", "target"]
"""What the customer was: the `source`, which became a redirect, or the `target`, which stayed."""


class CustomerMergeEntry(Shape):
    """A merge, as one of its two customers sees it."""

    merge_id: str
    """The id of the merge."""
    source_customer_guid: str
    """The customer that became a redirect."""
    target_customer_guid: str
    """The customer that stayed."""
    direction: MergeDirection
    merged_at: datetime
    """When they were merged."""
    actor: str
    """Who merged them: `user_guid:<id>` or `service_account:<id>`."""
    reason: str | None = None
    """Why, in words."""
    reason_code: str | None = None
    """Why, as CATEGORY.CODE."""
    source_refs: list[SourceRefOut] | None = None
    """What the merge goes back to."""


class CustomerMergeListData(Shape):
    """A page of merges, newest first."""

    customer_guid: str
    merges: list[CustomerMergeEntry]
    """The merges of this page, in both directions."""
    next_token: str | None = None


class CustomerMergeListEnvelope(Shape):
    data: CustomerMergeListData


# ---------------------------------------------------------------- erasures

ErasureBasis = Literal["erasure-request", "belongs-to-bearer", "legal-minimum"]
"""Why: the customer's right to be forgotten; the value belongs to whoever has the card; or a law
wants the records for a time."""


class ErasureLine(Shape):
    """What became of the records of one kind."""

    deleted: int
    """How many are gone."""
    kept: int
    """How many stay, without the person, because a law wants them for a time."""
    redacted: int
    """How many stay without anything personal."""
    unlinked: int
    """How many stay, and no longer name the customer."""
    basis: ErasureBasis


ErasureReceipt = TypeAliasType(
    "ErasureReceipt",
    Annotated[
        dict[str, ErasureLine],
        Field(description="What became of the records, by the name of their kind."),
    ],
)


class ErasureProof(Shape):
    """The signature of the receipt. Anybody who has the public key can verify it."""

    digest: str
    """SHA-256 of the signed text, in hexadecimal."""
    signature: str
    """ECDSA P-256 signature of the digest, DER in base 64."""
    key_id: str
    """The key that signed."""


class CustomerDeleteData(Shape):
    """The result, or the job while it runs."""

    customer_guid: str
    redirected_from: str | None = None
    items_deleted: int | None = None
    """How many business records were deleted. Look-ups, links and kept answers do not count."""
    receipt: ErasureReceipt | None = None
    """What became of each kind of record."""
    receipt_proof: ErasureProof | None = None
    deleted_at: datetime | None = None
    """When the last record went. The proof covers it."""
    job: ErasureJob | None = None
    dry_run: bool | None = None


class CustomerDeleteEnvelope(Shape):
    data: CustomerDeleteData


class ExportedRecord(Shape):
    """A record that is stored about the customer, as a person can read it."""

    kind: str
    """What kind of record it is."""
    record: dict[str, Any]
    """Its fields."""


class CustomerExportData(Shape):
    """A page of everything that is stored about the customer."""

    customer_guid: str
    redirected_from: str | None = None
    records: list[ExportedRecord]
    """The records of this page."""
    next_token: str | None = None


class CustomerExportEnvelope(Shape):
    data: CustomerExportData


# ---------------------------------------------------------------- data of events


class CustomerDeleted(Shape):
    """A customer who is gone. Consumers erase their own copies."""

    customer_guid: str
    merged_customer_guids: list[str]
    """Everyone who had been merged into it."""
    items_deleted: int
    """How many business records were deleted."""
    receipt: ErasureReceipt
    """What became of each kind of record."""
    ended_subscription_ids: list[str]
    """The subscriptions that were active or paused, and ended with the customer."""


class CustomerExported(Shape):
    """Somebody has looked at everything that is stored about a customer."""

    customer_guid: str
    export_id: str
    """The record of the look."""

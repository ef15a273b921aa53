"""What is stored of the changes of whole customers: merges, erasures, exports."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, ClassVar

from shared.marks import FreeText, Id, Personal, Word


@dataclass(frozen=True, slots=True, kw_only=True)
class MergeRecord:
    """The audit of a merge. Each side has one; ``customer_guid`` says whose it is, and
    ``direction`` what that customer was. ``conflicts`` and ``discarded`` are stored on the target's
    side only: personal values are kept once."""

    KIND: ClassVar[str] = "customer_merge"
    merge_id: Id
    customer_guid: Id
    source_customer_guid: Id
    target_customer_guid: Id
    direction: Word
    merged_at: datetime
    actor: Id
    reason: FreeText[str | None] = None
    reason_code: Id | None = None
    source_refs: Personal[tuple[dict[str, str], ...]] = ()
    lots: int = 0
    alternates: int = 0
    refs: int = 0
    tags: int = 0
    conflicts: Personal[tuple[dict[str, Any], ...]] = ()
    discarded: Personal[dict[str, Any] | None] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ErasureJobRecord:
    """A deletion or an anonymization that has begun. ``owners``: the customer, then everyone who
    was merged into it. ``phase``: ``counting`` what there is (deletions only), then ``erasing``.
    ``owner`` and ``after`` say how far the phase has come: which of the owners, and the last sort
    key that it has handled. ``counts``: how many records of each kind there were, and what becomes
    of them where that is not the rule of their kind. ``ended``: the subscriptions that end with it.
    ``minimum_days``: the legal minimum by kind, as the retention policy had it when the job began.
    ``refuses``: what the job leaves for a contact point: the org's refusal of ``all``, or of those
    that had ``opted_out``. ``event`` is published when the job ends; it says who asked and why."""

    KIND: ClassVar[str] = "erasure_job"
    job_id: Id
    job_kind: Word
    state: Word = "running"
    phase: Word
    orgcode: Id
    customer_guid: Id
    owners: tuple[Id, ...]
    owner: int = 0
    after: Id
    handled: int = 0
    counts: Mapping[str, int] = field(default_factory=dict)
    ended: tuple[Id, ...] = ()
    minimum_days: Mapping[str, int] = field(default_factory=dict)
    refuses: Word = "all"
    event: FreeText[dict[str, Any] | None] = None
    revision: int = 1
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptLine:
    """What became of the records of one kind, and why."""

    deleted: int = 0
    kept: int = 0
    redacted: int = 0
    unlinked: int = 0
    basis: Word


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptProof:
    """The signature of a receipt: the digest of the signed text in hexadecimal, the signature in
    base 64, and the key."""

    digest: Id
    signature: Id
    key_id: Id


@dataclass(frozen=True, slots=True, kw_only=True)
class TombstoneRecord:
    """What is left of a deleted customer: the answer to its deletion. ``merged_customer_guids``:
    everyone who had been merged into it; each of them has the same tombstone."""

    KIND: ClassVar[str] = "tombstone"
    customer_guid: Id
    merged_customer_guids: tuple[Id, ...] = ()
    items_deleted: int
    receipt: Mapping[str, ReceiptLine] = field(default_factory=dict)
    receipt_proof: ReceiptProof
    deleted_at: datetime
    revision: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class LostPointsRecord:
    """The points that deletions took on one day, of one policy version. It names no customer, and
    keeps the sum of all points right."""

    KIND: ClassVar[str] = "lost_points"
    day: date
    policy_version: Id
    points: int
    revision: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportRecord:
    """Who looked at everything that is stored about a customer, when and why."""

    KIND: ClassVar[str] = "export"
    export_id: Id
    customer_guid: Id
    actor: Id
    reason: FreeText[str | None] = None
    exported_at: datetime
    revision: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptRecord:
    """What the law wants of a record whose customer was deleted, until ``kept_until``: its kind,
    and its fields without the person. Only an administrator can read it."""

    KIND: ClassVar[str] = "kept"
    kind: Word
    record: FreeText[dict[str, Any]] = field(default_factory=dict)
    kept_until: datetime

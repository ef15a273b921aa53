"""Where flags, assessments, holds and their summary lie, and how answers show them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from lambdas.customer.models.risk_records import (
    AssessmentRecord,
    CustomerRiskRecord,
    FlagRecord,
    HoldRecord,
    QuestionRecord,
)
from lambdas.customer.rules import hold as hold_rules
from lambdas.customer.rules.flag import status_at
from shared.codec import Item, R, shown
from shared.customer_guard import hour_of, same_word
from shared.customer_state import OrderHoldRecord, RedemptionCountRecord
from shared.fields import instant_text
from shared.keys import ALL_OF_KIND, Keys
from shared.records import Get, Query
from shared.writes import ABSENT, Check, Condition, Put, Update, Write, at_revision

FLAG, ASSESSMENT = "flag_", "fras_"
"""The prefixes of the ids; ``shared.customer_state.HOLD`` is that of a hold."""
REPEATED_FOR = timedelta(minutes=15)
"""How long the same question with the same inputs gets the same assessment."""
LOOKED_BACK = timedelta(hours=24)

# ---------------------------------------------------------------- reads


def risk_at(keys: Keys, customer_guid: str) -> Get[CustomerRiskRecord]:
    return Get(keys.customer_risk(customer_guid), CustomerRiskRecord)


def flags_at(keys: Keys, owners: Sequence[str], flag_id: str) -> list[Get[FlagRecord]]:
    return [Get(keys.customer_flag(guid, flag_id), FlagRecord) for guid in owners]


def holds_at(keys: Keys, owners: Sequence[str], hold_id: str) -> list[Get[HoldRecord]]:
    return [Get(keys.customer_hold(guid, hold_id), HoldRecord) for guid in owners]


def assessments_at(
    keys: Keys, owners: Sequence[str], assessment_id: str
) -> list[Get[AssessmentRecord]]:
    places = [keys.fraud_assessment(guid, assessment_id) for guid in owners]
    return [Get(place, AssessmentRecord) for place in places]


def questions_at(
    keys: Keys, owners: Sequence[str], question: Sequence[str]
) -> list[Get[QuestionRecord]]:
    return [Get(keys.fraud_question(guid, *question), QuestionRecord) for guid in owners]


def redemptions_at(
    keys: Keys, owners: Sequence[str], now: datetime
) -> list[Query[RedemptionCountRecord]]:
    """Returns the reads of all counts that may have something of the last 24 hours."""
    found = []
    for guid in owners:
        partition, low = keys.redemption_count(guid, hour_of(now - LOOKED_BACK))
        high = keys.redemption_count(guid, hour_of(now))[1]
        found.append(Query(partition, low, high, RedemptionCountRecord, limit=None))
    return found


# ---------------------------------------------------------------- items and writes


def flag_item(keys: Keys, flag: FlagRecord) -> Item[FlagRecord]:
    place = keys.customer_flag(flag.customer_guid, flag.flag_id)
    return _listed(keys, flag.customer_guid, Item(place, flag), flag.flag_id, flag.settled_at)


def assessment_item(keys: Keys, made: AssessmentRecord) -> Item[AssessmentRecord]:
    place = keys.fraud_assessment(made.customer_guid, made.assessment_id)
    return _listed(
        keys, made.customer_guid, Item(place, made), made.assessment_id, made.assessed_at
    )


def hold_item(keys: Keys, hold: HoldRecord) -> Item[HoldRecord]:
    place = keys.customer_hold(hold.customer_guid, hold.hold_id)
    return _listed(keys, hold.customer_guid, Item(place, hold), hold.hold_id, hold.settled_at)


def _listed(
    keys: Keys, customer_guid: str, item: Item[R], record_id: str, settled_at: datetime | None
) -> Item[R]:
    """Returns the item, in the org's list of its kind by the time of its settling: retention counts
    from it. What is not settled yet is in no list, because it stays."""
    if settled_at is None:
        return item
    sort = f"{instant_text(settled_at)}#{record_id}"
    indexes = keys.listed(ALL_OF_KIND, item.record.KIND, sort)
    return replace(item, indexes=indexes, view={"customer_guid": customer_guid})


def risk_write(keys: Keys, before: CustomerRiskRecord, after: CustomerRiskRecord) -> Write:
    """Returns the write of the summary; where it stays the same, the check that it does."""
    place = keys.customer_risk(before.customer_guid)
    if after.revision == before.revision:
        return Check(place, at_revision(before.revision) if before.revision else ABSENT)
    item = Item(place, after)
    return Update(item, if_revision=before.revision) if before.revision else Put(item)


def question_write(
    place: Get[QuestionRecord], before: QuestionRecord | None, after: QuestionRecord
) -> Write:
    """Returns the write of the last assessment of a question, in the place of the one before."""
    item = Item(place.key, after, expires=after.assessed_at + REPEATED_FOR)
    if before is None:
        return Put(item)
    same = Condition("assessment_id = :a", values={":a": {"S": before.assessment_id}})
    return Put(item, condition=same)


def word_write(
    place: Get[OrderHoldRecord], before: OrderHoldRecord | None, after: OrderHoldRecord
) -> Write:
    """Returns the write of what is said of an order, in the place of what was said before."""
    item = Item(place.key, after)
    return Put(item) if before is None else Put(item, condition=same_word(before))


# ---------------------------------------------------------------- answers


def flag_shown(flag: FlagRecord, customer_guid: str, now: datetime) -> dict[str, Any]:
    """Returns a flag as answers show it: an expired one as resolved, one of a merged customer as
    the survivor's."""
    return shown(flag, status=status_at(flag, now), customer_guid=customer_guid)


def assessment_shown(made: AssessmentRecord, customer_guid: str) -> dict[str, Any]:
    reasons = [shown(reason) for reason in made.reasons]
    return shown(made, reasons=reasons, customer_guid=customer_guid)


def hold_shown(hold: HoldRecord, customer_guid: str, now: datetime) -> dict[str, Any]:
    """Returns a hold as answers show it, with the status that it has by now."""
    return shown(hold, status=hold_rules.status_at(hold, now), customer_guid=customer_guid)

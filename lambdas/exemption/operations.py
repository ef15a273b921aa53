"""One function per route of the certificates, then what they share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lambdas.exemption import rules, storage
from lambdas.exemption.models import requests
from lambdas.exemption.models.envelopes import (
    ExemptionCertificateCreated,
    ExemptionCertificateStatusChanged,
)
from lambdas.exemption.models.records import CertificateCodeRecord, CertificateRecord
from shared.call import Answer, Call, repeated
from shared.codec import Wire, view_of
from shared.commit import Step, Subject, commit
from shared.customer_guard import CustomerGuard
from shared.errors import AlreadyExists, Fault, InvalidInput, NotFound
from shared.events import change_event, event_data
from shared.fields import Shape
from shared.keys import SECOND_ORDER
from shared.lists import WalkDay, answer_customer_list, answer_walk
from shared.owned import ensure_answerable, is_same_customer, new_owner, owner_guards
from shared.paging import Listing, page
from shared.records import Get, Records, Unread
from shared.targets import require_shown, require_unfenced
from shared.writes import ABSENT, Check, Condition, Put, Update, Write, at_revision

THERE = Condition("attribute_exists(pk)")


def exemption_certificate_create(
    call: Call, body: requests.ExemptionCertificateCreateRequest
) -> Answer:
    """Creates a certificate. The same `certificate_id` with the same content again is a replay,
    with other content 409. While a certificate has not ended in a jurisdiction, no other one of the
    same owner has its code there. With `supersedes` the other certificate, which must be one of the
    same owner, ends in the same step: today, or on the day before this one begins, if that is
    later. Customers who were merged are one owner, and certificates that name no owner have one
    owner too."""
    asked = _new(call, body.certificate)
    at = storage.certificate_at(call.keys, asked.certificate_id)

    def decide(call: Call, records: Records) -> Step:
        there = records.if_read(at)
        if there is not None:
            return _repeated(call, records, there, asked)
        made, guards = asked, list[CustomerGuard]()
        owners: tuple[str | None, ...] = (asked.account_guid,)
        if asked.customer_guid is not None:
            owner = new_owner(call, records, asked.customer_guid, "certificate.customer_guid")
            made = rules.owned_by(asked, owner.customer_guid)
            owners, guards = owner.owners, [owner.guard]
        superseded, of_old = _superseding(call, records, made)
        event = change_event(
            call,
            "exemption-certificate-created",
            _aggregate(made),
            event_data(
                ExemptionCertificateCreated,
                made,
                jurisdictions=rules.codes_of(made),
            ),
        )
        writes = [
            Put(storage.certificate_item(call.keys, made), events=[event]),
            *_code_writes(call, records, made, owners),
            *_owner_writes(call, made),
            *superseded,
        ]
        guards = _each_once([*guards, *of_old])
        return Step(_answer(call, made), _subject(call, made), writes, guards)

    return commit(call, _reads_of(call, asked), decide)


def exemption_certificate_get(call: Call, body: requests.ExemptionCertificateGetRequest) -> Answer:
    """Returns a certificate, with what it is worth on a day: in each of its jurisdictions, and at
    best."""
    at = storage.certificate_at(call.keys, body.certificate_id)
    certificate = require_shown(call.load(at).get(at))
    data = storage.certificate_shown(certificate, body.as_of or call.today)
    return Answer({"certificate": data}, certificate.revision)


def exemption_certificate_list(
    call: Call, body: requests.ExemptionCertificateListRequest
) -> Answer:
    """Lists certificates as summaries. With ``status`` alone, those that end first come first;
    otherwise the newest. All pages of a walk are of the day of its first page. The certificates of
    a customer include those of everyone who was merged into it."""
    day, keys = WalkDay(body.as_of or call.today), call.keys

    def keep(wire: Wire, customer_guid: str | None = None) -> dict[str, Any] | None:
        found = storage.summary_shown(view_of(wire), day.day)
        if customer_guid is not None:
            found["customer_guid"] = customer_guid
        is_owned = body.account_guid in (None, found.get("account_guid"))
        asked = is_owned and rules.is_asked(body.status, found["effective_status"])
        return found if asked else None

    if body.customer_guid is not None:
        return answer_customer_list(
            call,
            body,
            lambda guid: (storage.of_owner(keys, guid), ""),
            keep,
            plural="certificates",
            index=SECOND_ORDER,
            day=day,
        )

    def walk(limit: int, cursor: str | None) -> tuple[list[dict[str, Any]], str | None]:
        if body.account_guid is not None:
            listing = Listing((storage.of_owner(keys, body.account_guid),), SECOND_ORDER)
        elif body.status is not None:
            listing = storage.by_last_day(keys, body.status, day.day)
        else:
            listing = storage.in_order_of_creation(keys)
        return page(call.table, listing, limit, cursor, keep)

    return answer_walk(call, body, walk, plural="certificates", day=day)


def exemption_certificate_status_set(
    call: Call, body: requests.ExemptionCertificateStatusSetRequest
) -> Answer:
    """Accepts or rejects a pending certificate, revokes or supersedes an active one. What ends
    counts until the day before, so the past stays as it was. No call sets what follows from the
    calendar. To set the status that it has changes nothing."""
    at = storage.certificate_at(call.keys, body.certificate_id)

    def decide(call: Call, records: Records) -> Step:
        before = require_unfenced(records.get(at))
        guards = owner_guards(call, before.customer_guid)
        is_current = call.facts.expected_revision == before.revision
        if not (is_current and rules.changes(before, body.status)):
            ensure_answerable(call, records, guards)
        call.facts.ensure_revision(before.revision, _data(call, before))
        day = body.revoked_on
        after = rules.with_status(before, body.status, call.today, call.now, ends_on=day)
        writes = [] if after is before else [_status_write(call, before, after)]
        return Step(_answer(call, after), _subject(call, after), writes, guards)

    return commit(call, [at], decide)


# ---------------------------------------------------------------- creation


def _new(call: Call, given: requests.CertificateNew) -> CertificateRecord:
    document = None if given.document is None else given.document.document()
    made = CertificateRecord(
        certificate_id=given.certificate_id,
        certificate_code=given.certificate_code,
        status=given.status,
        first_status=given.status,
        customer_guid=given.customer_guid,
        account_guid=given.account_guid,
        jurisdictions=tuple(one.jurisdiction() for one in given.jurisdictions),
        reason_type=given.reason_type,
        exempt_percent=given.exempt_percent,
        scope=given.scope,
        order_ref=given.order_ref,
        valid_from=given.valid_from,
        valid_to=given.valid_to,
        signed_on=given.signed_on,
        document=document,
        supersedes=given.supersedes,
        created_at=call.now,
        updated_at=call.now,
    )
    return rules.created(made)


def _reads_of(call: Call, asked: CertificateRecord) -> list[Get[Any]]:
    """Returns what a creation reads before it writes: what one needs that supersedes another."""
    if asked.supersedes is None:
        return []
    # A certificate is mostly renewed with the same code.
    owner = asked.customer_guid or asked.account_guid
    return [
        storage.certificate_at(call.keys, asked.certificate_id),
        storage.certificate_at(call.keys, asked.supersedes),
        storage.code_at(call.keys, owner, asked.certificate_code),
    ]


def _repeated(
    call: Call, records: Records, there: CertificateRecord, asked: CertificateRecord
) -> Step:
    """Returns the first answer to a creation; 409 where the id is another certificate's."""
    require_unfenced(there)
    guards = owner_guards(call, there.customer_guid)
    ensure_answerable(call, records, guards)
    same = is_same_customer(call, records, there.customer_guid, asked.customer_guid)
    if not rules.is_repeat(there, asked, is_same_customer=same):
        raise AlreadyExists.of("certificate.certificate_id", "is another certificate's")
    first = rules.as_created(there)
    day = call.on_day(there.created_at)
    answer = repeated({"certificate": storage.certificate_shown(first, day)}, first.revision)
    return Step(answer, _subject(call, there), (), guards)


def _code_writes(
    call: Call, records: Records, made: CertificateRecord, owners: Sequence[str | None]
) -> list[Write]:
    """Returns the write that takes the code for the owner, and the checks that nobody who was
    merged into that customer takes it meanwhile. 409 where it is taken."""
    places = [storage.code_at(call.keys, guid, made.certificate_code) for guid in owners]
    if len(places) > 1:
        records.ensure(*places)
    known = [records.if_read(place) for place in places]
    _ensure_free(call, records, made, known)
    own = rules.with_holder(known[0], made, call.today)
    item = storage.code_item(places[0], own)
    writes: list[Write] = [Put(item) if known[0] is None else Update(item, known[0].revision)]
    for place, code in zip(places[1:], known[1:], strict=True):
        same = ABSENT if code is None else at_revision(code.revision)
        writes.append(Check(place.key, same))
    return writes


def _ensure_free(
    call: Call,
    records: Records,
    made: CertificateRecord,
    codes: Sequence[CertificateCodeRecord | None],
) -> None:
    found = [one for code in codes for one in rules.holders_in_the_way(code, made, call.today)]
    places = [storage.certificate_at(call.keys, one) for one in found]
    # They may have ended since. What has ended never counts again, so to read them is enough.
    records.ensure(*places)
    there = [one for place in places if (one := records.get(place)) is not None]
    if any(rules.is_in_the_way(one, made, call.today) for one in there):
        message = "is that of another certificate of this owner, which has not ended there"
        raise AlreadyExists.of("certificate.certificate_code", message)


def _owner_writes(call: Call, made: CertificateRecord) -> list[Write]:
    """Returns the link of the customer who owns a new certificate, or the check that the account is
    there."""
    if made.customer_guid is not None:
        link = storage.link_item(call.keys, made.customer_guid, made.certificate_id)
        return [Put(link, condition=None)]
    if made.account_guid is not None:
        fault = Fault("not-found", "certificate.account_guid", "does not exist")
        account = call.keys.account(made.account_guid)
        return [Check(account, THERE, on_failure=lambda _: NotFound(minor=[fault]))]
    return []


def _superseding(
    call: Call, records: Records, made: CertificateRecord
) -> tuple[list[Write], list[CustomerGuard]]:
    """Returns the write of the certificate that a new one supersedes, and the guard of its
    customer."""
    if made.supersedes is None:
        return [], []
    at = storage.certificate_at(call.keys, made.certificate_id)
    old_at = storage.certificate_at(call.keys, made.supersedes)
    found = records.get(old_at)
    if found is None:
        fault = Fault("not-found", "certificate.supersedes", "does not exist")
        raise NotFound(minor=[fault])
    before = require_unfenced(found)
    guards = owner_guards(call, before.customer_guid)
    if not _has_owner_of(call, records, before, made):
        ensure_answerable(call, records, guards)
        field, message = "certificate.supersedes", "must be a certificate of the same owner"
        raise InvalidInput.of(field, message, "other-owner")
    if before.status != "active":
        if records.trip_of(at) <= records.trip_of(old_at):
            # This very creation may have superseded it between the two reads: then it is a repeat.
            raise Unread(at)
        ensure_answerable(call, records, guards)
    day = max(call.today, made.valid_from or call.today)
    after = rules.superseded(before, call.today, call.now, on=day)
    return [_status_write(call, before, after, superseded_by=made.certificate_id)], guards


def _has_owner_of(
    call: Call, records: Records, before: CertificateRecord, made: CertificateRecord
) -> bool:
    """Whether two certificates are of one owner. Otherwise one owner could end the exemption of
    another one, who would never hear of it."""
    if before.account_guid != made.account_guid:
        return False
    return is_same_customer(call, records, before.customer_guid, made.customer_guid)


def _each_once(guards: Sequence[CustomerGuard]) -> list[CustomerGuard]:
    """Returns one guard for each customer. One customer may have both certificates: the guard of
    the new one comes first, and is the stricter."""
    found: dict[str, CustomerGuard] = {}
    for guard in guards:
        if not any(guard.customer_guid in one.covers for one in found.values()):
            found[guard.customer_guid] = guard
    return list(found.values())


# ---------------------------------------------------------------- writes and answers


def _status_write(
    call: Call, before: CertificateRecord, after: CertificateRecord, **more: Any
) -> Write:
    shape: type[Shape] = ExemptionCertificateStatusChanged
    data = event_data(shape, after, previous_status=before.status, **more)
    event = change_event(call, "exemption-certificate-status-set", _aggregate(after), data)
    item = storage.certificate_item(call.keys, after)
    return Update(item, if_revision=before.revision, events=[event])


def _aggregate(certificate: CertificateRecord) -> tuple[str, str, int]:
    return CertificateRecord.KIND, certificate.certificate_id, certificate.revision


def _data(call: Call, certificate: CertificateRecord) -> dict[str, Any]:
    return {"certificate": storage.certificate_shown(certificate, call.today)}


def _answer(call: Call, certificate: CertificateRecord) -> Answer:
    return Answer(_data(call, certificate), certificate.revision)


def _subject(call: Call, certificate: CertificateRecord) -> Subject:
    return storage.subject(call.keys, certificate.certificate_id)

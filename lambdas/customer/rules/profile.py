"""What a profile may become, and which values a customer is found by. Values in, values out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal

from lambdas.customer.models.records import CustomerProfileRecord
from shared.contact_points import normal_email
from shared.errors import AlreadyExists, Fault, Forbidden, InvalidInput
from shared.states import steps

CUSTOMER_STEPS = steps({"active": "inactive", "inactive": "active", "merged": "", "anonymized": ""})
FOUND = ("active", "inactive")
"""The statuses in which a customer is listed by default, and found by words."""
WRITES_OF_A_CHANGE = 96
"""A transaction holds 100 writes. The others are the state, the idempotency key and its answer."""


@dataclass(frozen=True, slots=True)
class Lookup:
    """A value that a customer is found by, in the form in which values are compared, and the field
    of the request that holds it."""

    kind: Literal["email", "phone", "code", "ref"]
    value: str
    field: str

    @property
    def place(self) -> tuple[str, str]:
        return self.kind, self.value


def email(value: str) -> Lookup:
    return Lookup("email", normal_email(value), "customer.email")


def phone(value: str) -> Lookup:
    """``value`` is E.164."""
    return Lookup("phone", value, "customer.phone")


def code(value: str) -> Lookup:
    return Lookup("code", value.upper(), "customer.customer_code")


def ref(kind: str, ref_id: str) -> Lookup:
    return Lookup("ref", f"{kind}\0{ref_id}", "customer.external_refs")


def lookups(profile: CustomerProfileRecord) -> list[Lookup]:
    """Returns every value that the profile is found by, each once: at most 43."""
    found = [code(profile.customer_code)] if profile.customer_code else []
    found += [email(profile.email)] if profile.email else []
    found += [phone(profile.phone)] if profile.phone else []
    for number, value in enumerate(profile.alternate_emails):
        found.append(replace(email(value), field=f"customer.alternate_emails.{number}"))
    for number, value in enumerate(profile.alternate_phones):
        found.append(replace(phone(value), field=f"customer.alternate_phones.{number}"))
    for number, one in enumerate(profile.external_refs):
        found.append(replace(ref(one.kind, one.id), field=f"customer.external_refs.{number}"))
    return found


def changed(
    profile: CustomerProfileRecord, changes: Mapping[str, Any], now: datetime
) -> CustomerProfileRecord:
    """Returns the profile with the changes, or the very same object where nothing changes."""
    after = without_repeats(replace(profile, **changes))
    if after == profile:
        return profile
    return replace(after, revision=profile.revision + 1, updated_at=now)


def differing(before: CustomerProfileRecord, after: CustomerProfileRecord) -> list[str]:
    """Returns the names of the fields that differ, without those that callers do not set."""
    names = sorted(before.__dataclass_fields__.keys() - {"revision", "updated_at", "borrowed"})
    return [name for name in names if getattr(before, name) != getattr(after, name)]


def without_repeats(profile: CustomerProfileRecord) -> CustomerProfileRecord:
    """Returns the profile without alternates that repeat the e-mail, the phone or another
    alternate. A value that stood twice would be two writes of one look-up in one transaction."""
    return replace(
        profile,
        alternate_emails=_others(profile.email, profile.alternate_emails, normal_email),
        alternate_phones=_others(profile.phone, profile.alternate_phones, str),
    )


def _others(
    first: str | None, others: Iterable[str], compared: Callable[[str], str]
) -> tuple[str, ...]:
    there = {compared(first)} if first is not None else set()
    kept = []
    for value in others:
        if compared(value) not in there:
            there.add(compared(value))
            kept.append(value)
    return tuple(kept)


def ensure_few_values_move(writes: int) -> None:
    """400 where so many values come and go that one transaction does not hold them."""
    if writes > WRITES_OF_A_CHANGE:
        message = "changes too many e-mails, phones and refs at once; change some of them first"
        raise InvalidInput.of("customer", message, "too-many")


def refusal_of_taken(lookup: Lookup, customer_guid: str) -> AlreadyExists:
    """Returns the refusal of a value that another customer has, and says who that is."""
    return AlreadyExists(
        minor=[Fault("already-exists", lookup.field, "is taken")],
        detail={"customer_guid": customer_guid},
    )


def refusal_of_suppressed(lookup: Lookup) -> AlreadyExists:
    """Returns the refusal of a value whose owner was deleted."""
    message = "belonged to a customer who was deleted; needs a granted consent, or an override"
    return AlreadyExists(minor=[Fault("suppressed", lookup.field, message)])


def require_override_role(*, asked: bool, has_role: bool) -> None:
    """403 where anyone but a privacy role asks to override the suppression."""
    if asked and not has_role:
        raise Forbidden(
            minor=[Fault("forbidden", "override_suppression", "needs the role crm_privacy_admin")],
            detail={"roles_any_of": ["crm_privacy_admin"]},
        )

"""What a profile may become, and by which values it is found. Values in, values out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal

from lambdas.customer.models import CustomerProfileRecord
from shared.contact_points import normal_email
from shared.errors import AlreadyExists, Fault, Forbidden
from shared.states import steps

CUSTOMER_STEPS = steps({"active": "inactive", "inactive": "active", "merged": "", "anonymized": ""})
FOUND = ("active", "inactive")
"""The statuses in which a customer is listed by default, and found by words."""


@dataclass(frozen=True, slots=True)
class Lookup:
    """A value that a customer is found by: in the form in which values are compared, with the field
    of the request that it stands in."""

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
    """Everything that the profile is found by, each once: at most 43 values."""
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
    """The profile with the changes; the very same object where they change nothing."""
    after = without_repeats(replace(profile, **changes))
    if after == profile:
        return profile
    return replace(after, revision=profile.revision + 1, updated_at=now)


def differing(before: CustomerProfileRecord, after: CustomerProfileRecord) -> list[str]:
    """The names of the fields that differ, those that every change moves left out."""
    names = sorted(set(before.__dataclass_fields__) - {"revision", "updated_at"})
    return [name for name in names if getattr(before, name) != getattr(after, name)]


def without_repeats(profile: CustomerProfileRecord) -> CustomerProfileRecord:
    """No alternate repeats the e-mail or phone, or another alternate."""
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


def taken(lookup: Lookup, customer_guid: str) -> AlreadyExists:
    """The refusal of a value that another customer has, and who that is."""
    return AlreadyExists(
        minor=[Fault("already-exists", lookup.field, "is taken")],
        detail={"customer_guid": customer_guid},
    )


def suppressed(lookup: Lookup) -> AlreadyExists:
    """The refusal of a value whose owner was deleted."""
    message = "belonged to a customer who was deleted; needs a granted consent, or an override"
    return AlreadyExists(minor=[Fault("suppressed", lookup.field, message)])


def may_override(*, asked: bool, has_role: bool) -> None:
    """403 for an override of the suppression by anyone but a privacy role."""
    if asked and not has_role:
        raise Forbidden(
            minor=[Fault("forbidden", "override_suppression", "needs the role crm_privacy_admin")],
            detail={"roles_any_of": ["crm_privacy_admin"]},
        )

"""Merges two customers in the table, as the merge leaves them."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from lambdas.customer import storage
from lambdas.customer.models.records import Away, CustomerProfileRecord
from shared.keys import of_org
from shared.table import Table
from tests.builders import World, store


def profile_of(world: World, guid: str) -> CustomerProfileRecord:
    get = storage.profile_at(of_org(world.code), guid)
    return Table().load([get]).require(get)


def change_profile(world: World, guid: str, **changes: Any) -> None:
    store(storage.profile_item(of_org(world.code), replace(profile_of(world, guid), **changes)))


def merge(world: World, source: str, target: str, at: datetime) -> None:
    """The source goes with everyone who was merged into it; the target gets its e-mails and phones.
    The look-ups stay where they are."""
    ours, theirs = profile_of(world, target), profile_of(world, source)
    gone = (source, *world.state_of(source).absorbed)
    for guid in gone:
        world.set_state(guid, status="merged", merged_into=target, absorbed=())
    world.set_state(target, absorbed=(*world.state_of(target).absorbed, *gone))
    away = Away(into=target, merged_at=at)
    change_profile(world, source, status="merged", merged_into=target, away=away)
    emails = [e for e in (theirs.email, *theirs.alternate_emails) if e]
    phones = [p for p in (theirs.phone, *theirs.alternate_phones) if p and p != ours.phone]
    change_profile(
        world,
        target,
        email=ours.email or (emails.pop(0) if emails else None),
        phone=ours.phone or (phones.pop(0) if phones else None),
        alternate_emails=(*ours.alternate_emails, *emails),
        alternate_phones=(*ours.alternate_phones, *phones),
    )

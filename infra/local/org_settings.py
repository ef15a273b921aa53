"""The settings of an organisation as a person types them: ``name=value``."""

from __future__ import annotations

from dataclasses import fields
from typing import Any
from zoneinfo import available_timezones

import phonenumbers

from infra.local.identities import Refused
from shared.fields import is_currency
from shared.settings import OrgSettings

AT_LEAST_ONE = frozenset({"idempotency_days", "hold_hours"})
"""Settings that must not be 0."""
AT_MOST = {"unknown_card_limit": 1_000}
"""Upper limits. A record has one time for each unknown card, and must not become too large."""
UNIQUE = frozenset({"email_unique", "phone_unique"})


def parsed(change: str) -> tuple[str, Any]:
    """Returns one ``name=value`` with the value in the setting's type. Amounts are minor units."""
    setting, _, text = change.partition("=")
    kinds = {f.name: type(f.default) for f in fields(OrgSettings)}
    kind = kinds.get(setting)
    if kind is None:
        raise Refused(f"there is no setting {setting!r}; the settings are {', '.join(kinds)}")
    if kind is bool and text in ("true", "false"):
        return setting, text == "true"
    if kind is int and text.isascii() and text.isdigit():
        number = int(text)
        if (setting in AT_LEAST_ONE) <= number <= AT_MOST.get(setting, number):
            return setting, number
    if kind is str and _is_valid(setting, text):
        return setting, text
    raise Refused(f"{text!r} is no valid value of {setting}")


def _is_valid(setting: str, text: str) -> bool:
    if setting == "timezone":
        return text in available_timezones()
    if setting == "currency":
        return is_currency(text)
    if setting == "region":
        return text in phonenumbers.SUPPORTED_REGIONS
    return text in ("reject", "release")

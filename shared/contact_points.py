"""How people and companies are reached: e-mail, phone, postal address, language.

What is valid is for well-kept libraries to say; they are imported when the first value comes.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from functools import cache
from typing import Annotated

from pydantic import AfterValidator, WithJsonSchema

from shared import field_schemas as schemas
from shared.errors import Fault, InvalidInput
from shared.fields import Listed, Name, Request, Shape, ShortText, matching, refuse


def _email(value: str) -> str:
    from email_validator import EmailNotValidError, validate_email

    text = unicodedata.normalize("NFC", value).strip()
    try:
        validate_email(text, check_deliverability=False, test_environment=True)
    except EmailNotValidError:
        raise refuse("email", "must be an e-mail address") from None
    return text


Email = Annotated[
    str,
    AfterValidator(_email),
    WithJsonSchema(schemas.EMAIL),
]
# A national number can be read only with the org's default region: ``phone`` does that in the
# operation; here only what can never be a number is refused.
Phone = Annotated[
    str,
    matching(r"\+?[0-9 ()./-]{3,32}", "must be a phone number"),
    WithJsonSchema(schemas.PHONE),
]


def phone(value: str, region: str, field: str) -> str:
    """``value`` as E.164; a national form is read in ``region`` (ISO 3166-1 alpha-2)."""
    import phonenumbers

    try:
        number = phonenumbers.parse(value, region)
    except phonenumbers.NumberParseException:
        number = None
    # A number that can be dialled only within its area is none that others could reach.
    possible = phonenumbers.ValidationResult.IS_POSSIBLE
    if number is None or phonenumbers.is_possible_number_with_reason(number) != possible:
        raise InvalidInput.of(field, "must be a phone number that can exist", "phone")
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def not_a_phone(field: str, value: str | None, region: str) -> Iterable[Fault]:
    """The fault of a number that cannot exist."""
    try:
        if value is not None:
            phone(value, region, field)
    except InvalidInput as refusal:
        yield from refusal.minor


@cache
def _countries() -> frozenset[str]:
    import pycountry

    return frozenset(country.alpha_2 for country in pycountry.countries)


def _country(value: str) -> str:
    code = value.strip().upper()
    if code not in _countries():
        raise refuse("country", "must be an ISO 3166-1 alpha-2 country code")
    return code


Country = Annotated[
    str,
    AfterValidator(_country),
    Listed("Country", lambda: sorted(_countries()), "An ISO 3166-1 alpha-2 country code."),
]


def _language(value: str) -> str:
    import langcodes

    tag = value.strip()
    if not langcodes.tag_is_valid(tag):
        raise refuse("language", "must be a BCP 47 language tag")
    return langcodes.standardize_tag(tag)


Language = Annotated[str, AfterValidator(_language), WithJsonSchema(schemas.LANGUAGE)]


class AddressIn(Request):
    """A postal address; the country is ISO 3166-1 alpha-2."""

    line1: Name | None = None
    line2: Name | None = None
    city: Name | None = None
    region: Name | None = None
    postal_code: ShortText | None = None
    country: Country | None = None


class AddressOut(Shape):
    line1: str | None = None
    line2: str | None = None
    city: str | None = None
    region: str | None = None
    postal_code: str | None = None
    country: str | None = None

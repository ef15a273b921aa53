"""How people and companies are reached: e-mail, phone, website, postal address, language.

What is valid is for well-kept libraries to say; they are imported when the first value comes. An
e-mail is shown as it was typed; ``normal_email`` is the one form in which two of them are compared.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import cache
from typing import Annotated

from pydantic import AfterValidator, ValidationInfo, WithJsonSchema

from shared import field_schemas as schemas
from shared.fields import (
    Circumstances,
    Listed,
    Name,
    Request,
    Shape,
    ShortText,
    refuse,
    upper_ascii,
)


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


def normal_email(value: str) -> str:
    """The form in which mailboxes are compared: lower case, the domain in ASCII (IDNA 2008 after
    the mapping of UTS 46). ``value`` has an ``@``; what cannot be a domain is lower-cased only."""
    local, at, domain = unicodedata.normalize("NFC", value).strip().rpartition("@")
    if not domain.isascii():
        domain = _ascii_domain(domain)
    return unicodedata.normalize("NFC", f"{local}{at}{domain}".lower())


def _ascii_domain(domain: str) -> str:
    import idna

    try:
        return idna.encode(domain, uts46=True).decode()
    except idna.IDNAError:
        return domain


def _phone(value: str, info: ValidationInfo) -> str:
    """E.164; a national form is read in the region of the org."""
    if not re.fullmatch(schemas.PHONE_FORM, value.strip()):
        raise refuse("form", "must be a phone number")
    known = info.context
    assert isinstance(known, Circumstances), "the door validates"
    number = as_e164(value, known.org.region)
    if number is None:
        forms = f"with + and the country's code, or as in {known.org.region}"
        raise refuse("phone", f"must be a phone number that can exist, {forms}")
    return number


Phone = Annotated[
    str,
    AfterValidator(_phone),
    WithJsonSchema(schemas.PHONE),
]


def as_e164(value: str, region: str) -> str | None:
    """Returns a number as E.164, or None where it cannot exist. A national form is read in
    ``region`` (ISO 3166-1 alpha-2)."""
    import phonenumbers

    try:
        number = phonenumbers.parse(value, region)
    except phonenumbers.NumberParseException:
        return None
    # A number that can be dialled only within its area is none that others could reach.
    possible = phonenumbers.ValidationResult.IS_POSSIBLE
    if phonenumbers.is_possible_number_with_reason(number) != possible:
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def contact_point(value: str, region: str) -> str:
    """An e-mail, a phone number or anything else that messages go to, as it is kept and shown: a
    number as E.164, read in ``region`` where it is national; all else as it was typed."""
    number = as_e164(value, region) if re.fullmatch(schemas.PHONE_FORM, value.strip()) else None
    return value if number is None else number


def normal_contact_point(kept: str) -> str:
    """The form in which contact points are compared, of one as it is kept."""
    return normal_email(kept) if "@" in kept else unicodedata.normalize("NFC", kept).lower()


def phone_beginnings(typed: str, region: str) -> tuple[str, ...]:
    """The digits with which an E.164 number may begin, if ``typed`` is how somebody in ``region``
    begins to type it: internationally (after a plus, a dialling prefix or neither) or nationally
    (with the trunk prefix or without). Each has three digits or more."""
    import phonenumbers

    # +44 (0)20 shows the trunk prefix to whoever calls from within the country.
    digits = re.sub(r"\D", "", re.sub(r"(?<=\d)\s*\(0\)", "", typed))
    found = [digits]
    about = phonenumbers.PhoneMetadata.metadata_for_region(region, None)
    if about is not None and "+" not in typed:
        abroad = re.match(about.international_prefix or "(?!)", digits)
        found += [digits[abroad.end() :]] if abroad else _national_beginnings(digits, region)
    # No country's code begins with 0.
    return tuple(dict.fromkeys(n for n in found if len(n) >= 3 and not n.startswith("0")))


def _national_beginnings(digits: str, region: str) -> list[str]:
    import phonenumbers

    country = phonenumbers.country_code_for_region(region)
    trunk = phonenumbers.ndd_prefix_for_region(region, True) or ""
    national = {digits.removeprefix(trunk)}
    if not trunk.startswith(("0", "1")):
        # Elsewhere a national number may itself begin with the digit that is dialled before it.
        national.add(digits)
    if trunk:
        # Only where nothing is dialled before it a national number may begin with 0.
        national = {number for number in national if not number.startswith("0")}
    # Some countries put a digit between their code and the number of a mobile phone.
    starts = {str(country), f"{country}{phonenumbers.country_mobile_token(country)}"}
    return [start + number for start in sorted(starts) for number in sorted(national)]


def _website(value: str) -> str:
    from pydantic_core import Url, ValidationError

    try:
        if not re.match(r"https?://[^\s\\]+$", value, re.IGNORECASE):
            raise ValueError
        Url(value)
    except (ValueError, ValidationError):
        raise refuse("website", "must be an address that begins with http:// or https://") from None
    return value


Website = Annotated[
    Name,
    AfterValidator(_website),
    WithJsonSchema(schemas.WEBSITE),
]


@cache
def _countries() -> frozenset[str]:
    import pycountry

    return frozenset(country.alpha_2 for country in pycountry.countries)


def _country(value: str) -> str:
    code = upper_ascii(value.strip())
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """A postal address as records hold it."""

    line1: str | None = None
    line2: str | None = None
    city: str | None = None
    region: str | None = None
    postal_code: str | None = None
    country: str | None = None


class AddressIn(Request):
    """A postal address; the country is ISO 3166-1 alpha-2."""

    line1: Name | None = None
    """The first line: street and number, mostly."""
    line2: Name | None = None
    """The second line: floor, building, care of."""
    city: Name | None = None
    """The city or place."""
    region: Name | None = None
    """The state, province or county."""
    postal_code: ShortText | None = None
    """The postal code."""
    country: Country | None = None
    """The country: ISO 3166-1 alpha-2."""

    def address(self) -> Address:
        return Address(**self.model_dump())


class AddressOut(Shape):
    """A postal address."""

    """A postal address; the country is ISO 3166-1 alpha-2."""

    line1: str | None = None
    """The first line: street and number, mostly."""
    line2: str | None = None
    """The second line: floor, building, care of."""
    city: str | None = None
    """The city or place."""
    region: str | None = None
    """The state, province or county."""
    postal_code: str | None = None
    """The postal code."""
    country: str | None = None
    """The country: ISO 3166-1 alpha-2."""

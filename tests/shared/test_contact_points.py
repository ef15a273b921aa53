"""Contact points: one form for each mailbox, numbers as they are typed, websites."""

# ruff: noqa: RUF001  (letters that look like others are what is tested here)

from __future__ import annotations

import pytest
from email_validator import EmailNotValidError, validate_email
from hypothesis import assume, given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from shared.contact_points import (
    Website,
    contact_point,
    normal_contact_point,
    normal_email,
    phone_beginnings,
)

SPELLINGS = (
    "Ada@vidéotron.ca",
    "ada@VIDÉOTRON.CA",
    "ada@vide\u0301otron.ca",
    "ada@xn--vidotron-d1a.ca",
    "ADA@XN--VIDOTRON-D1A.ca",
    "ada@ｖｉｄéｏｔｒｏｎ．ｃａ",
    "ada@vidéotron。ca",
    "ada@vidéotron｡ca",
)


@pytest.mark.parametrize("typed", SPELLINGS)
def test_a_mailbox_has_one_normal_form(typed: str) -> None:
    assert normal_email(typed) == "ada@xn--vidotron-d1a.ca"
    assert normal_contact_point(contact_point(typed, "US")) == "ada@xn--vidotron-d1a.ca"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("a@videotron.ca", "a@vidéotron.ca"),
        ("a@faß.de", "a@fass.de"),
        ("é@example.com", "e@example.com"),
        ("a.b@example.com", "ab@example.com"),
    ],
)
def test_mailboxes_that_differ_stay_apart(one: str, other: str) -> None:
    assert normal_email(one) != normal_email(other)


@given(
    st.text("abzÄéİıßøłσςдЖ李花ｘ．。｡-1", min_size=1, max_size=20).map(lambda d: f"A.é@{d}.com")
)
def test_the_domain_is_the_one_that_the_validator_of_addresses_finds(typed: str) -> None:
    try:
        valid = validate_email(typed, check_deliverability=False)
    except EmailNotValidError:
        assume(False)
        raise
    assert normal_email(typed) == f"a.é@{valid.ascii_domain}"
    assert normal_email(normal_email(typed)) == normal_email(typed)


@given(st.text(max_size=12), st.text(max_size=12))
def test_any_text_with_an_at_has_one_normal_form(local: str, domain: str) -> None:
    normal = normal_email(f"{local}@{domain}")
    assert normal_email(normal) == normal


def test_what_can_be_no_domain_is_lower_cased_only() -> None:
    assert normal_email("A@É É.com") == "a@é é.com"


@pytest.mark.parametrize(
    ("typed", "kept", "normal"),
    [
        ("(202) 555-0123", "+12025550123", "+12025550123"),
        ("+49 30 12345678", "+493012345678", "+493012345678"),
        ("Ada@Example.com", "Ada@Example.com", "ada@example.com"),
        ("12345", "12345", "12345"),
        ("Device-A1", "Device-A1", "device-a1"),
    ],
)
def test_a_contact_point_is_kept_as_typed_but_for_numbers(
    typed: str, kept: str, normal: str
) -> None:
    assert contact_point(typed, "US") == kept
    assert normal_contact_point(kept) == normal


@pytest.mark.parametrize(
    ("typed", "region", "beginnings"),
    [
        ("+49 30 1", "US", ("49301",)),
        ("011 49 30", "US", ("4930",)),
        ("0049 30", "DE", ("4930",)),
        ("+44 (0)20", "US", ("4420",)),
        ("(202)", "US", ("202", "1202")),
        ("1 202", "US", ("1202",)),
        ("30 1", "DE", ("301", "49301")),
        ("030 1", "DE", ("49301",)),
        ("(0)20 79", "GB", ("442079",)),
        ("06 1 23", "HU", ("36123",)),
        ("06 12", "IT", ("390612",)),
        ("8 495", "RU", ("8495", "7495", "78495")),
        ("11 23", "AR", ("1123", "541123", "5491123")),
        ("+49", "US", ()),
        ("000", "US", ()),
        ("202", "ZZ", ("202",)),
    ],
)
def test_the_beginning_of_a_number_is_read_abroad_and_at_home(
    typed: str, region: str, beginnings: tuple[str, ...]
) -> None:
    assert phone_beginnings(typed, region) == beginnings


@pytest.mark.parametrize(
    "address", ["https://example.com", "HTTP://Example.com/a?b#c", "https://bücher.example"]
)
def test_a_website_is_an_address_of_the_web_and_kept_as_typed(address: str) -> None:
    assert TypeAdapter(Website).validate_python(f" {address} ") == address


@pytest.mark.parametrize(
    "address",
    [
        *(
            "example.com",
            "ftp://example.com",
            "javascript:alert(1)",
            "data:text/html,x",
            "mailto:a",
        ),
        *("https://", "https:example.com", "https://exa mple.com", "https://[::1", "", "http"),
        *("https://example.com\\@other.example", "https://" + "a" * 200 + ".com"),
    ],
)
def test_anything_else_is_no_website(address: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Website).validate_python(address)

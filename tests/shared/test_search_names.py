"""What people type, and whom it finds: by the tokens of a record as by the record itself."""

# ruff: noqa: RUF001  (letters that look like others are what is tested here)

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from shared.errors import InvalidInput
from shared.search import (
    MOST,
    asked,
    matched_fields,
    narrowed,
    signed,
    signed_tokens,
    tokens,
)
from tests.shared.test_folding import ALPHABETS, LATIN

CUSTOMER = "customer_profile"
Record = dict[str, Any]


def by_tokens(record: Record, q: str, region: str = "US", kind: str = CUSTOMER) -> bool:
    """Whether the entries lead to the record, and their signature lets it pass."""
    query = asked(q, region)
    looked_up, in_signature = set(tokens(kind, record)), set(signed_tokens(kind, record))
    passes = all(in_signature & set(found) for found in signed(query)) or not in_signature
    return passes and all(looked_up & set(found) for found in narrowed(query))


def finds(q: str, record: Record, region: str = "US", kind: str = CUSTOMER) -> list[str]:
    """The fields by which ``q`` finds the record; the entries lead there as well."""
    fields = matched_fields(kind, record, asked(q, region))
    assert by_tokens(record, q, region, kind) or not fields
    return fields


def named(name: str) -> list[tuple[Record, str]]:
    """A name in every place that it may stand in."""
    customer = [(CUSTOMER, f) for f in ("first_name", "last_name", "display_name", "company_name")]
    account = [("account", field) for field in ("company_name", "legal_name")]
    return [({field: name}, kind) for kind, field in customer + account]


@pytest.mark.parametrize(
    ("name", "typed"),
    [
        ("Łukasz", ["lukasz", "LUKASZ", "łuk", "ukas"]),
        ("Ødegård", ["odegard", "ødegård", "ODEG", "degar"]),
        ("Đức", ["duc", "đức", "Du"]),
        ("Işık", ["isik", "ışık", "IŞIK", "ISIK", "işik"]),
        ("IŞIL", ["ışıl", "isil", "Işıl", "ISIL"]),
        ("ışıl", ["IŞIL", "isil", "ISIL"]),
        ("Ægir", ["aegir", "ægir", "AE"]),
        ("Þór", ["thor", "þor", "ÞÓ"]),
        ("Œuvre", ["oeuvre", "œuvre", "euvr"]),
        ("Größe", ["grosse", "größe", "GRÖSSE", "gros"]),
        ("O'Brien", ["obrien", "o brien", "o'brien", "O’Brien", "brien", "o'b", "rien", "O´Brien"]),
        ("O’Neill", ["oneill", "o'neill", "neill"]),
        ("OBrien", ["obrien", "o'brien", "o-brien"]),
        ("d'Arcy", ["darcy", "arcy", "d'arcy", "d’Arcy", "d arcy", "DARCY"]),
        ("Jean-Luc", ["jeanluc", "jean luc", "jean-luc", "luc jean", "jean‐luc", "jean-l", "anlu"]),
        ("Jean Luc", ["jean-luc"]),
        ("X", ["x", "X"]),
        ("J. R. Ewing", ["j", "r", "j r", "ewing j"]),
        ("Ö", ["o", "ö"]),
        ("李", ["李"]),
        ("王小明", ["王", "王小", "小明", "王小明"]),
        ("太郎", ["太", "太郎"]),
        ("山田花子", ["花子", "山田", "田花", "山", "山田 花子", "山田花子"]),
        ("山田 花子", ["山田花子", "花子山田", "花子 山田", "田花"]),
        ("ヘンリー・フォード", ["ヘンリーフォード", "フォード", "ﾍﾝﾘｰ"]),
        ("김철수", ["김", "철수", "김철수", "김 철수"]),
        ("สมชาย ใจดี", ["สมชาย", "ส", "ชา", "ใจดี", "สมชายใจดี"]),
        ("SONY株式会社", ["sony", "株式会社", "SONY株", "会社"]),
        ("Пётр", ["петр", "ПЁТР", "етр"]),
        ("Σωκράτης", ["σωκρατησ", "ΣΩΚΡΑΤΗΣ", "σω"]),
    ],
)
def test_a_name_is_found_as_it_is_typed(name: str, typed: list[str]) -> None:
    for record, kind in named(name):
        (field,) = record
        assert [q for q in typed if finds(q, record, kind=kind) != [field]] == []


@pytest.mark.parametrize(
    ("name", "typed"),
    [
        ("Łukasz", ["ukaszl", "ka", "l", "lukas z"]),
        ("O'Brien", ["obrian", "rien o'c", "b"]),
        ("Jean-Luc", ["lucjean", "j", "jeanlucas", "jean-x"]),
        ("Ada", ["a", "d", "da", "ad b"]),
        ("X", ["xa", "y"]),
        ("李小龙", ["龙", "小", "李龙", "龙小", "li"]),
        ("山田花子", ["花", "子", "花田", "hanako"]),
        ("김철수", ["철", "수", "김수"]),
        ("สมชาย", ["ช", "สช"]),
        ("Пётр", ["petr", "п"]),
    ],
)
def test_a_name_is_not_found_by_what_it_is_not(name: str, typed: list[str]) -> None:
    for record, kind in named(name):
        assert [q for q in typed if finds(q, record, kind=kind)] == []


@pytest.mark.parametrize(
    ("first", "last", "typed"),
    [
        ("小龙", "李", ["李小龙", "小龙李", "李 小龙", "小龙 李", "李小", "小龙", "李"]),
        ("花子", "山田", ["山田花子", "花子山田", "山田 花子", "田花", "花子", "子山"]),
        ("철수", "김", ["김철수", "철수김", "김 철수"]),
        ("สมชาย", "ใจดี", ["สมชายใจดี", "สมชาย ใจดี"]),
    ],
)
def test_a_full_name_is_found_in_either_order_with_or_without_a_space(
    first: str, last: str, typed: list[str]
) -> None:
    record = {"first_name": first, "last_name": last}
    assert [q for q in typed if not finds(q, record)] == []
    assert set(finds(last + first, record)) == {"first_name", "last_name"}
    assert finds(first, record) == ["first_name"]
    assert finds(first[0] + last[0] + first[-1], record) == []


BERLIN, WASHINGTON = {"phone": "+493012345678"}, {"phone": "+12025550123"}


@pytest.mark.parametrize(
    ("record", "region", "typed"),
    [
        (BERLIN, "US", ["+49 301", "+49 30 1", "+49301", "493", "49 30 12", "011 49 30", "+493"]),
        (BERLIN, "US", ["5678", "45678", "34 56 78", "234-5678", "+49 (0)30 123"]),
        (BERLIN, "DE", ["30 12345678", "030 12345678", "030 1", "(030) 123", "301", "0049 30 1"]),
        (BERLIN, "DE", ["+49 30 12345678", "030/12345678", "030-1234", "٠٣٠ ١٢", "０３０－１２"]),
        (WASHINGTON, "US", ["(202)", "202-555", "(202) 555", "202", "202.555.0123", "1 202 5"]),
        (WASHINGTON, "US", ["+1 202", "0123", "555-0123", "50123", "+1 (202) 555-0123", "2025"]),
        (WASHINGTON, "DE", ["+1 202", "1202", "001 202 555", "0123"]),
        ({"phone": "+390612345678"}, "IT", ["06 123", "0612", "+39 06", "06 12345678"]),
        ({"phone": "+3612345678"}, "HU", ["06 1 234", "1 234", "0612"]),
        ({"phone": "+74951234567"}, "RU", ["8 495", "495 123", "8 (495) 123-45-67"]),
        ({"phone": "+5491123456789"}, "AR", ["11 2345", "011 2345"]),
        ({"phone": "+442079460018"}, "GB", ["020 7946", "+44 (0)20 79", "20 79"]),
    ],
)
def test_a_phone_is_found_by_how_it_begins_or_ends(
    record: Record, region: str, typed: list[str]
) -> None:
    alternate = {"alternate_phones": ["+81312345679", record["phone"]]}
    for q in typed:
        assert finds(q, record, region) == ["phone"], q
        assert finds(q, alternate, region) == ["alternate_phones"], q


@pytest.mark.parametrize(
    ("record", "region", "typed"),
    [
        (BERLIN, "US", ["30 12345678", "030 12345678", "301", "49", "+49", "678", "2345"]),
        (BERLIN, "US", ["+5678", "+1 301", "12345678", "+49 31"]),
        (BERLIN, "DE", ["30 12345679", "030 2", "012345", "0"]),
        (WASHINGTON, "DE", ["(202)", "202-555", "0202"]),
        (WASHINGTON, "US", ["555", "20", "(203)", "202-556", "01 202", "123"]),
    ],
)
def test_a_phone_is_not_found_by_other_digits(
    record: Record, region: str, typed: list[str]
) -> None:
    assert [q for q in typed if finds(q, record, region)] == []


@pytest.mark.parametrize(
    ("code", "typed"),
    [
        ("AB-12", ["AB-12", "ab12", "ab", "ab 12", "12", "AB-1", "ab1"]),
        ("2024-98901", ["2024-9", "2024", "2024-98901", "202498901", "98901", "2024 989"]),
        ("12345", ["123", "12345", "1234"]),
        ("X1.7_b", ["x1", "x1.7", "b 7 x1", "b"]),
    ],
)
def test_a_code_is_found_by_its_beginning_and_its_pieces(code: str, typed: list[str]) -> None:
    for kind, field in ((CUSTOMER, "customer_code"), ("account", "account_code")):
        record = {field: code}
        assert [q for q in typed if finds(q, record, kind=kind) != [field]] == []
        assert [q for q in ("4", "998", "AB-13", "12-AB-2", "8901") if finds(q, record)] == []


def test_several_words_must_all_match_each_in_some_reading() -> None:
    record = {"first_name": "Ada", "last_name": "O'Neill", "customer_code": "C-77", **WASHINGTON}
    assert finds("ada oneill 0123 c77", record) == [
        *("first_name", "last_name", "phone", "customer_code")
    ]
    assert finds("ada oneill 0124", record) == []
    assert finds("a oneill", record) == ["first_name", "last_name"]
    assert finds("a o", record) == []


def test_accounts_have_no_phones_and_no_domains_to_search() -> None:
    record = {"email": "jean-luc@example.com", "phone": "+12025550123"}
    assert finds("jeanluc", record, kind="account") == ["email"]
    assert finds("example", record, kind="account") == []
    assert finds("0123", record, kind="account") == []
    assert finds("example", record) == ["email"]


@pytest.mark.parametrize("q", ["!", "'", "-", "()", "\u200b\u2060", "\u3164", "😀", "@"])
def test_a_query_without_letter_or_digit_is_refused(q: str) -> None:
    with pytest.raises(InvalidInput):
        asked(q, "US")


# ---------------------------------------------------------------- whatever matches is found

WRITING = st.one_of(
    *[st.text(alphabet + "' -’", min_size=1, max_size=10) for alphabet in ALPHABETS],
    st.text("李小龙山田花子김철수สมชายタロー a-'", min_size=1, max_size=8),
    st.text(LATIN + "0123456789 .-'李", min_size=1, max_size=10),
)
PHONES = st.from_regex(r"\+[1-9][0-9]{6,13}", fullmatch=True)
RECORDS = st.fixed_dictionaries(
    {},
    optional={
        "first_name": WRITING,
        "last_name": WRITING,
        "company_name": WRITING,
        "customer_code": st.from_regex(r"[A-Z0-9][A-Z0-9._-]{0,8}", fullmatch=True),
        "email": st.builds(
            "{}@{}.org".format, *[st.from_regex(r"[a-z0-9._'-]{1,8}", fullmatch=True)] * 2
        ),
        "phone": PHONES,
    },
)
CHANGES: list[Callable[[str], str]] = [
    str,
    str.upper,
    lambda text: text.replace("-", "").replace("'", ""),
    lambda text: text.replace("-", " ").replace("'", " "),
    lambda text: " ".join(reversed(text.split())),
    lambda text: text.replace(" ", ""),
    lambda text: text.lstrip("+"),
    lambda text: f"{text[:4]} {text[4:7]}-{text[7:]}",
]


@settings(max_examples=300)
@given(RECORDS, st.data())
def test_whatever_matches_is_found_through_the_entries(record: Record, data: st.DataObject) -> None:
    assume(record)
    value = data.draw(st.sampled_from(sorted(map(str, record.values()))))
    start = data.draw(st.integers(0, len(value) - 1))
    end = data.draw(st.just(len(value)) | st.integers(start + 1, len(value)))
    q = data.draw(st.sampled_from(CHANGES))(value[start:end])
    region = data.draw(st.sampled_from(["US", "DE", "IT", "RU", "AR"]))
    assume(len(tokens(CUSTOMER, record)) < MOST)
    try:
        query = asked(q, region)
    except InvalidInput:
        return
    if matched_fields(CUSTOMER, record, query):
        assert by_tokens(record, q, region)


@given(WRITING, WRITING, st.sampled_from([str, str.upper, str.title]))
def test_every_word_of_a_name_finds_it_in_any_case(
    name: str, other: str, spelled: Callable[[str], str]
) -> None:
    record = {"last_name": name, "company_name": other}
    assume(len(tokens(CUSTOMER, record)) < MOST)
    for q in (name, *name.split()):
        try:
            asked(q, "US")
        except InvalidInput:
            continue
        assert "last_name" in finds(spelled(q), record)

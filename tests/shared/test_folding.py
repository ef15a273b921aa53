"""Names as they are compared: one form for everything that people type for the same name."""

# ruff: noqa: RUF001  (letters that look like others are what is tested here)

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.folding import compounds, fold

LATIN = "abcdefghijklmnopqrstuvwxyzàáâãäåæçèéêëìíîïðñòóôõöøùúûüýþßāăąćčđęěğıłńňœřśşšţťůűźżžơưǫħŧ"
GREEK = "αβγδεζηθικλμνξοπρστυφχψωάέήίόύώϊϋΐ"
CYRILLIC = "абвгдежзийклмнопрстуфхцчшщъыьэюяёіїєґўђћџ"
ALPHABETS = (LATIN, GREEK, CYRILLIC, "אבגדהוזחטיכלמנסעפצקרשת", "ابتثجحخدذرزسشصضطظعغفقكلمنهويأإآ")


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        *[("Łukasz", "lukasz"), ("Ødegård", "odegard"), ("Đức", "duc"), ("Ægir", "aegir")],
        *[("Þór", "thor"), ("ÞÓR", "thor"), ("Œuvre", "oeuvre"), ("Größe", "grosse")],
        *[("GRÖẞE", "grosse"), ("GRÖSSE", "grosse"), ("Guðrún", "gudrun"), ("Ħal", "hal")],
        *[("Işık", "isik"), ("IŞIK", "isik"), ("ışık", "isik"), ("isik", "isik")],
        *[("IŞIL", "isil"), ("ışıl", "isil"), ("İnci", "inci"), ("İNCİ", "inci")],
        *[("Nguyễn", "nguyen"), ("Dvořák", "dvorak"), ("Ｓｍｉｔｈ", "smith"), ("ﬁnn", "finn")],
        *[("Σωκράτης", "σωκρατησ"), ("ΣΩΚΡΆΤΗΣ", "σωκρατησ"), ("Пётр", "петр")],
        *[("أحمد", "احمد"), ("שָׁלוֹם", "שלום"), ("٠١٢", "012"), ("Ка\u0301тя", "катя")],
        *[("李小龙", "李小龙"), ("佐々木", "佐々木"), ("ﾔﾏﾀﾞ", "ヤマダ"), ("김철수", "김철수")],
        *[("สมชาย", "สมชาย"), ("葛\U000e0100城", "葛城"), ("SONY株式会社", "sony 株式会社")],
        *[("3丁目", "3 丁目"), ("soft\u00adhyphen", "softhyphen"), ("a_b.c@d", "a b c d")],
    ],
)
def test_a_name_folds_to_its_plain_letters(name: str, plain: str) -> None:
    assert fold(name) == plain
    assert fold(plain) == plain


@pytest.mark.parametrize(
    ("name", "pieces"),
    [
        ("O'Brien", [("o", "brien")]),
        ("O’Brien", [("o", "brien")]),
        ("O´Brien", [("o", "brien")]),
        ("O`Brien", [("o", "brien")]),
        ("d'Arcy-Smith", [("d", "arcy", "smith")]),
        ("Jean\u2011Luc", [("jean", "luc")]),
        ("Jean - Luc", [("jean",), ("luc",)]),
        ("’s-Gravenhage", [("s", "gravenhage")]),
        ("Kaʻiulani", [("ka", "iulani")]),
        ("Мар'яна", [("мар", "яна")]),
        ("Gal·la", [("gal", "la")]),
        ("山田　花子", [("山田",), ("花子",)]),
        ("ヘンリー・フォード", [("ヘンリー",), ("フォード",)]),
        ("안-철수", [("안",), ("철수",)]),
        ("!?", []),
    ],
)
def test_apostrophes_and_hyphens_join_the_pieces_of_a_word(
    name: str, pieces: list[tuple[str, ...]]
) -> None:
    assert list(compounds(name)) == pieces


@given(st.one_of(*[st.text(alphabet, min_size=1, max_size=12) for alphabet in ALPHABETS]))
def test_case_and_composition_never_matter(name: str) -> None:
    plain = fold(name)
    forms = (name.upper(), name.title(), *(unicodedata.normalize(f, name) for f in ("NFC", "NFD")))
    assert {fold(form) for form in forms} == {plain}


@given(st.text(LATIN, min_size=1, max_size=12))
def test_every_latin_letter_has_a_plain_form(name: str) -> None:
    assert fold(name).isascii()
    assert fold(name).isalpha()


@given(st.text(max_size=40))
def test_any_text_folds_to_words_and_folding_again_changes_nothing(text: str) -> None:
    plain = fold(text)
    assert fold(plain) == plain
    assert all(piece and " " not in piece for word in compounds(text) for piece in word)

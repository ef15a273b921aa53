"""What a comment says: hashtags, sizes and equality. No table."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lambdas.comment import rules
from lambdas.comment.models.hashtags import TAG_LENGTH, normal_hashtag
from lambdas.comment.models.records import CommentRecord
from lambdas.comment.models.requests import HASHTAGS
from shared.errors import InvalidState
from tests.lambdas.comment.author import NOW

COMMENT = CommentRecord(
    comment_id="cmnt_1",
    target_type="order",
    target_id="SO-1",
    body="Hello",
    size_bytes=5,
    user_guid="user_guid:U1",
    created_at=NOW,
    updated_at=NOW,
)


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ("", ()),
        ("Ship it #Today, not #tomorrow.", ("today", "tomorrow")),
        ("#a#b", ("a",)),
        ("#A #a", ("a",)),
        ("(#in-brackets) #trailing-", ("in-brackets", "trailing")),
        ("no#tag a&#39; https://example.com/#top ##twice", ()),
        ("#1 #2026 #-- #_", ()),
        ("#q1 #2nd_try", ("q1", "2nd_try")),
        ("#Käse #ДА #हिन्दी #東京", ("käse", "да", "हिन्दी", "東京")),
        ("#Cafe\u0301".replace("e\u0301", "\u00e9"), ("caf\u00e9",)),
        ("#" + "x" * TAG_LENGTH, ("x" * TAG_LENGTH,)),
        ("#" + "x" * (TAG_LENGTH + 1), ()),
        ("end#\n#", ()),
    ],
)
def test_hashtags_are_found_in_a_body(body: str, found: tuple[str, ...]) -> None:
    assert rules.hashtags((), body) == found


def test_given_hashtags_come_first_and_each_counts_once() -> None:
    assert rules.hashtags(("b", "a"), "#c #a") == ("b", "a", "c")


def test_hashtags_are_bounded() -> None:
    many = " ".join(f"#t{n}" for n in range(HASHTAGS + 50))
    assert rules.hashtags(("x",), many) == ("x", *(f"t{n}" for n in range(HASHTAGS - 1)))


def test_a_hashtag_has_one_form() -> None:
    assert normal_hashtag(" #Delivery ") == "delivery"
    assert [normal_hashtag(text) for text in ("", "#", "two words", "##x", "1")] == [None] * 5


def test_a_size_counts_the_bytes_of_caption_and_body() -> None:
    assert rules.size_of(None, None) == 0
    assert rules.size_of("é", "€𝄞") == 2 + 3 + 4


def test_the_same_content_is_the_same_comment() -> None:
    assert rules.revised(COMMENT, {}, NOW) is COMMENT
    assert rules.revised(COMMENT, {"body": "Hello", "caption": None}, NOW) is COMMENT


def test_hashtags_of_a_body_go_with_it_and_given_ones_stay() -> None:
    one = rules.with_content(COMMENT, {"body": "#old", "hashtags": ["mine"]})
    assert one.hashtags == ("mine", "old")
    assert rules.with_content(one, {"body": "#new"}).hashtags == ("mine", "new")
    assert rules.with_content(one, {"hashtags": None}).hashtags == ("old",)


def test_only_a_current_comment_with_room_gets_another_content() -> None:
    full = replace(COMMENT, current_revision=rules.CONTENTS)
    for comment in (replace(COMMENT, status="archived"), rules.emptied(COMMENT), full):
        there = replace(comment, status="deleted") if comment.body is None else comment
        with pytest.raises(InvalidState):
            rules.revised(there, {"body": "x"}, NOW)
    last = replace(COMMENT, current_revision=rules.CONTENTS - 1)
    assert rules.revised(last, {"body": "x"}, NOW).current_revision == rules.CONTENTS

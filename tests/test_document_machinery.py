"""How the documents are made of models: words, names, nulls, rules; shown on models of a test."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

import pytest
from jsonschema import Draft202012Validator
from pydantic import Field, ValidationError

from infra.openapi.examples import example_of
from infra.openapi.schemas import merged, model_schemas, with_parts
from infra.openapi.text import minified, written
from infra.openapi.words import Words
from shared.fields import Guid, MoneyIn, Percent, PointsDelta, Reason, Request, Shape, Tags
from shared.settings import OrgSettings

Mood = Literal["glad", "sad"]
"""How somebody is."""
REF = "#/$defs/{model}"


class Pet(Shape):
    """Lives with a person; ``name`` is what it answers to."""

    name: str
    """What it answers to."""
    mood: Mood
    breed: str | None = None
    tricks: dict[str, Any] | None = None


class Dog(Pet):
    master: Guid
    reason: Reason
    coat: Annotated[str, Field(description="How it looks.")]


class Adoption(Request):
    clearable: ClassVar[frozenset[str]] = frozenset({"breed"})
    exactly_one = ("name", "master")
    at_most_one = ("breed", "coat")

    name: str | None = None
    master: Guid | None = None
    breed: str | None = None
    coat: Literal["long", "short"] = "short"
    fee: MoneyIn | None = None


class Kennel(Request):
    clearable: ClassVar[frozenset[str]] = frozenset({"labels"})

    tags: Tags | None = None
    """Short texts to sort by; a repeated one counts once."""
    labels: Tags | None = None
    """Short texts to sort by; a repeated one counts once."""
    names: Tags | None = None
    """What it is called."""


class Nest(Request):
    adoption: Adoption = Adoption()


class Parcel(Request):
    """About an order."""

    needs_order = True
    named_by = ("order",)
    order_ref: str | None = None


def shapes(*models: Any) -> dict[str, Any]:
    return model_schemas([*models], "serialization", Words(with_parts(models)), REF)


def requests(*models: Any) -> dict[str, Any]:
    return model_schemas([*models], "validation", Words(with_parts(models)), REF)


def test_words_come_from_below_the_field_or_its_type_or_its_family() -> None:
    found = shapes(Pet, Dog)
    dog = found["Dog"]["properties"]
    assert dog["name"]["description"] == "What it answers to."
    assert dog["coat"]["description"] == "How it looks."
    assert "description" not in dog["breed"]
    # The type says what the field is for, once, with the type.
    assert dog["reason"] == {"$ref": "#/$defs/Reason"}
    assert found["Reason"]["description"].startswith("Why the change is made")
    assert found["Pet"]["description"] == ("Lives with a person; `name` is what it answers to.")
    request = requests(Adoption)["Adoption"]["properties"]
    assert "description" not in request["name"]
    together = Words([Pet, Adoption])
    assert together.of(Adoption, "name", request["name"]) == "What it answers to."


def test_words_that_the_type_begins_with_stand_there_alone() -> None:
    made = requests(Kennel)
    fields = made["Kennel"]["properties"]
    assert fields["tags"] == {"$ref": "#/$defs/Tags"}
    assert made["Tags"]["description"].startswith("Short texts to sort by; a repeated one counts")
    # Beside a choice with null, generators show the words of the field alone.
    assert fields["labels"]["description"] == "Short texts to sort by; a repeated one counts once."
    assert fields["names"]["description"] == "What it is called."


def test_a_property_without_words_is_listed() -> None:
    models = [Pet, Dog]
    words = Words(models)
    # An id says how it looks, not whose it is; a mood and a reason say what they are for.
    assert words.missing(shapes(*models)) == [
        "Dog.breed", "Dog.master", "Dog.tricks", "Pet.breed", "Pet.tricks",
    ]  # fmt: skip


def test_one_name_with_two_meanings_in_a_family_must_be_told_where_it_stands() -> None:
    class Other(Shape):
        name: str = Field(description="Something else.")

    words = Words([Pet, Other, Adoption])
    assert words.of(Pet, "name", {}) == "What it answers to."
    assert words.of(Adoption, "name", {}) is None


def test_an_enum_is_called_like_its_alias_or_else_like_its_field() -> None:
    found = merged(shapes(Pet), {"Adoption": requests(Adoption)})
    assert found["Mood"] == {
        "type": "string",
        "enum": ["glad", "sad"],
        "description": "How somebody is.",
    }
    assert found["Pet"]["properties"]["mood"] == {"$ref": "#/$defs/Mood"}
    made = requests(Adoption)
    assert made["AdoptionCoat"]["enum"] == ["long", "short"]
    coat = made["Adoption"]["properties"]["coat"]
    assert coat == {"$ref": "#/$defs/AdoptionCoat", "default": "short"}


def test_null_stands_only_where_it_clears_and_no_default_is_null_or_an_object() -> None:
    made = requests(Nest)
    properties = made["Adoption"]["properties"]
    assert {"type": "null"} in properties["breed"]["anyOf"]
    assert properties["name"] == {"type": "string"}
    assert "default" not in properties["name"]
    assert made["Nest"]["properties"]["adoption"] == {"$ref": "#/$defs/Adoption"}


def test_free_objects_are_one_named_type() -> None:
    found = shapes(Pet)
    assert found["Pet"]["properties"]["tricks"] == {"$ref": "#/$defs/FreeObject"}
    assert found["FreeObject"]["additionalProperties"] is True


def test_requests_are_closed_and_shapes_open() -> None:
    assert requests(Adoption)["Adoption"]["additionalProperties"] is False
    assert "additionalProperties" not in shapes(Pet)["Pet"]


@pytest.mark.parametrize(
    ("body", "fits"),
    [
        ({"name": "Rex"}, True),
        ({"master": "M-1", "breed": "collie"}, True),
        ({}, False),
        ({"name": "Rex", "master": "M-1"}, False),
        ({"name": "Rex", "breed": "collie", "coat": "long"}, False),
    ],
)
def test_fields_that_exclude_each_other_do_so_in_the_schema_and_in_the_service(
    body: dict[str, Any], fits: bool
) -> None:
    made = requests(Adoption)
    assert Draft202012Validator({"$ref": "#/$defs/Adoption", "$defs": made}).is_valid(body) is fits
    # A default does not count as named.
    assert (not list(Adoption.model_validate(body).faults(OrgSettings()))) is fits


@pytest.mark.parametrize(
    ("body", "fits"),
    [
        ({"order_ref": "SO-1"}, True),
        ({"source_refs": [{"kind": "ticket"}, {"kind": "order"}]}, True),
        ({"source_refs": [{"kind": "ticket"}]}, False),
        ({}, False),
    ],
)
def test_an_order_is_named_by_itself_or_by_a_source(body: dict[str, Any], fits: bool) -> None:
    rules = {"allOf": requests(Parcel)["Parcel"]["allOf"]}
    assert Draft202012Validator(rules).is_valid(body) is fits


class Amounts(Request):
    delta: PointsDelta = 1
    part: Percent | None = None


@pytest.mark.parametrize(
    ("body", "fits"),
    [
        ({"delta": 5, "part": 12.5}, True),
        ({"delta": -5, "part": "100"}, True),
        ({"delta": 0}, False),
        ({"part": 0}, False),
        ({"part": 100.5}, False),
    ],
)
def test_a_change_of_points_is_not_zero_and_a_percent_is_a_part(
    body: dict[str, Any], fits: bool
) -> None:
    made = requests(Amounts)
    assert Draft202012Validator({"$ref": "#/$defs/Amounts", "$defs": made}).is_valid(body) is fits
    try:
        Amounts.model_validate({k: str(v) if k == "part" else v for k, v in body.items()})
    except ValidationError:
        assert not fits
    else:
        assert fits


def test_two_things_of_one_name_are_a_mistake() -> None:
    with pytest.raises(ValueError, match="two schemas are called Pet"):
        merged({"Pet": {"type": "object"}}, {"Pet": {"type": "string"}})


def test_an_example_is_made_for_every_part() -> None:
    found = shapes(Dog)
    made = example_of(found["Dog"], found)
    assert Draft202012Validator({"$ref": "#/$defs/Dog", "$defs": found}).is_valid(made)
    assert set(made) == set(Dog.model_fields)


def test_what_fits_into_a_line_stands_on_one() -> None:
    value = {"short": {"a": [1, 2]}, "long": ["x" * 60, {"b": "y" * 60}]}
    text = written(value)
    assert '\n "short": {"a": [1, 2]},\n' in text
    assert max(map(len, text.splitlines())) < 100
    assert minified(value) == minified({**value})
    assert " " not in minified(value)

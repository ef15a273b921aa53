"""The registries that others rely on: nothing that belongs into one can be left out of it."""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from lambdas.families import FAMILIES
from lambdas.kinds import KINDS
from shared import keys
from shared.codec import encode, ensure_storable
from shared.marks import FreeText, Personal, personal_fields
from tests.test_architecture import folder, sources, tree

KEY_TEXT = re.compile(r"^[A-Z]{1,5}#")
# What lists show of a record begins elsewhere: in the module that maps the table.
MAP_OF_THE_TABLE = ("shared/keys.py", "shared/loyalty_keys.py", "shared/adjacent_keys.py")


def record_classes() -> Iterator[tuple[str, type[Any]]]:
    """(where, class) of every stored record class of the deployed code: it names its ``KIND``."""
    for path in sources():
        if path.parts[0] not in ("lambdas", "shared"):
            continue
        for node in tree(path).body:
            if isinstance(node, ast.ClassDef) and _names_its_kind(node):
                module = ".".join(path.with_suffix("").parts).removesuffix(".__init__")
                yield f"{path}: {node.name}", getattr(importlib.import_module(module), node.name)


def _names_its_kind(node: ast.ClassDef) -> bool:
    named = [n for n in node.body if isinstance(n, ast.AnnAssign) and n.value is not None]
    return any(isinstance(n.target, ast.Name) and n.target.id == "KIND" for n in named)


def test_every_stored_record_class_is_a_registered_kind() -> None:
    found = dict(record_classes())
    assert len(found) > 30
    registered = {kind.record for kind in KINDS}
    # A reader of raw items names a kind that is never stored.
    stored = {where: cls for where, cls in found.items() if cls.KIND != "raw"}
    assert [where for where, cls in stored.items() if cls not in registered] == []
    assert len({kind.name for kind in KINDS}) == len(KINDS), "two kinds of one name"


def test_every_family_that_stores_something_has_its_kinds_in_the_registry() -> None:
    ours = [path for path in sources() if folder(path) is not None]
    storing = {folder(path) for path in ours if path.name == "storage.py"}
    declaring = {folder(path) for path in ours if path.name == "kinds.py"}
    assert storing
    assert storing <= set(FAMILIES)
    assert storing == declaring
    modules = {kind.record.__module__.split(".")[1] for kind in KINDS}
    assert storing <= modules


def test_no_key_of_the_table_is_spelled_outside_its_map() -> None:
    spelled = []
    for path in sources():
        if path.parts[0] not in ("lambdas", "shared") or str(path) in MAP_OF_THE_TABLE:
            continue
        for node in ast.walk(tree(path)):
            text = node.value if isinstance(node, ast.Constant) else None
            if isinstance(text, str) and KEY_TEXT.match(text):
                spelled.append(f"{path}:{node.lineno} {text}")  # type: ignore[attr-defined]
    assert spelled == []
    assert KEY_TEXT.match(keys.Keys("X", b"x").ledger_entry("c", 1)[1]), "the pattern sees keys"


def test_shared_has_no_two_public_things_of_one_name() -> None:
    defined: dict[str, list[str]] = {}
    for path in sources():
        if path.parts[0] != "shared" or path.name == "__init__.py":
            continue
        for node in tree(path).body:
            if isinstance(node, ast.ClassDef | ast.FunctionDef) and not node.name.startswith("_"):
                defined.setdefault(node.name, []).append(str(path))
    assert len(defined) > 100
    assert {name: paths for name, paths in defined.items() if len(paths) > 1} == {}


def test_no_text_is_stored_that_does_not_say_what_it_is() -> None:
    for kind in KINDS:
        ensure_storable(kind.record)
    with pytest.raises(TypeError, match="must say what it is"):
        encode(Forgotten(note="anything"))
    with pytest.raises(TypeError, match="must say what it is"):
        encode(ForgottenInside(parts=(Forgotten(note="anything"),)))
    assert encode(Said(note="anything", parts=(Forgotten(note="x"),)))["note"] == {"S": "anything"}


def test_personal_fields_are_found_wherever_they_are_nested() -> None:
    assert personal_fields(Said) == ("note", "parts")
    assert personal_fields(Outer) == ("inner.note", "inner.parts")
    by_name = {kind.name: kind.personal for kind in KINDS}
    assert "decision.contact_point" in by_name["consent_current"]
    assert by_name["snapshot"] == ("data",)
    assert {"reason", "source_refs"} <= set(by_name["loyalty_entry"])


@dataclass(frozen=True)
class Forgotten:
    note: str


@dataclass(frozen=True)
class ForgottenInside:
    parts: tuple[Forgotten, ...]


@dataclass(frozen=True)
class Said:
    note: FreeText[str]
    parts: Personal[tuple[Forgotten, ...]] = ()


@dataclass(frozen=True)
class Outer:
    inner: Said

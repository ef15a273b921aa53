"""What only the source of a model says: the words below each field, and the names in annotations.

A field is described by the string below it, as Sphinx and editors read it. Such a string costs the
deployed code nothing: the compiler drops it. A name in an annotation tells which alias a field was
declared with; the value alone does not (two aliases of the same states are one value)."""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import zip_longest
from typing import Any


@dataclass(frozen=True, slots=True)
class DeclaredField:
    """A field as its class declares it: ``owner`` is that class, ``names`` those in the annotation,
    ``words`` the string below it."""

    owner: type[Any]
    names: tuple[str, ...]
    words: str | None


def declared_field(model: type[Any], name: str) -> DeclaredField:
    """Returns the nearest declaration of a field, the words of the nearest that has any."""
    found = [own[name] for cls in model.__mro__ if name in (own := _own_fields(cls))]
    words = next((field.words for field in found if field.words), None)
    nearest = found[0] if found else DeclaredField(model, (), None)
    return DeclaredField(nearest.owner, nearest.names, words)


def alias_words(module: str, name: str) -> str | None:
    """Returns the words below a type alias, in the module that defines it."""
    statements = _tree(module).body
    for statement, words in _with_words(statements):
        if isinstance(statement, ast.Assign) and name in map(ast.unparse, statement.targets):
            return words
        if isinstance(statement, ast.ImportFrom) and statement.module:
            original = {a.asname or a.name: a.name for a in statement.names}.get(name)
            if original is not None:
                return alias_words(statement.module, original)
    return None


@cache
def _own_fields(cls: type[Any]) -> dict[str, DeclaredField]:
    if not cls.__module__.startswith(("lambdas.", "shared.", "infra.", "tests.")):
        return {}
    found = {}
    for statement, words in _with_words(_class_body(cls)):
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            inside = ast.walk(statement.annotation)
            names = tuple(node.id for node in inside if isinstance(node, ast.Name))
            found[statement.target.id] = DeclaredField(cls, names, words)
    return found


def _class_body(cls: type[Any]) -> Sequence[ast.stmt]:
    for statement in _tree(cls.__module__).body:
        if isinstance(statement, ast.ClassDef) and statement.name == cls.__name__:
            return statement.body
    return ()


def _with_words(statements: Sequence[ast.stmt]) -> Iterator[tuple[ast.stmt, str | None]]:
    """Each statement with the string that stands right below it."""
    for statement, below in zip_longest(statements, statements[1:]):
        is_text = isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant)
        text = below.value.value if is_text else None  # type: ignore[union-attr]
        yield statement, plain(text) if isinstance(text, str) else None


@cache
def _tree(module: str) -> ast.Module:
    return ast.parse(inspect.getsource(sys.modules[module]))


def plain(text: str) -> str:
    """Returns a docstring as one paragraph of Markdown."""
    return " ".join(inspect.cleandoc(text).split()).replace("``", "`")

"""What is uploaded has the bytecode of the functions' Python, made of the very source beside it."""

from __future__ import annotations

import _imp
from pathlib import Path

import pytest

from infra import bytecode, package
from lambdas.families import FAMILIES
from tests.infra.test_package import build as build

MAGIC = bytes.fromhex("f30d0d0a")
"""What bytecode of Python 3.13 begins with."""
NEVER_COMPARED = (1).to_bytes(4, "little")


def is_of(compiled: bytes, source: bytes) -> bool:
    """Whether bytecode is of Python 3.13, never compared with a source, and made of this one."""
    digest = _imp.source_hash(int.from_bytes(MAGIC, "little"), source)
    return compiled[:16] == MAGIC + NEVER_COMPARED + digest


def test_every_module_that_is_uploaded_has_its_bytecode(build: Path) -> None:
    staged = package.staged(FAMILIES, build=build)
    modules = [*staged.layer.rglob("*.py"), *staged.functions.rglob("*.py")]
    assert len(modules) > 400
    for module in modules:
        compiled = module.parent / "__pycache__" / f"{module.stem}.cpython-313.pyc"
        assert is_of(compiled.read_bytes(), module.read_bytes()), module


def test_a_module_is_compiled_again_when_it_changes_and_else_only_copied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, cache = tmp_path / "code", tmp_path / "cache"
    folder.mkdir()
    module, compiled = folder / "till.py", folder / "__pycache__" / "till.cpython-313.pyc"
    for source in (b"PRICE = 1\n", b"PRICE = 2\n"):
        module.write_bytes(source)
        bytecode.add([(folder, "/var/task")], cache)
        assert is_of(compiled.read_bytes(), source)
    assert b"/var/task/till.py" in compiled.read_bytes()
    monkeypatch.setattr(bytecode, "_COMPILER", tmp_path / "nothing.mjs")
    module.write_bytes(b"PRICE = 1\n")
    bytecode.add([(folder, "/var/task")], cache)
    assert is_of(compiled.read_bytes(), b"PRICE = 1\n")


def test_a_module_that_does_not_compile_is_told(tmp_path: Path) -> None:
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "till.py").write_text("price = = 1\n")
    with pytest.raises(bytecode.NotCompiled, match=r"till\.py"):
        bytecode.add([(tmp_path / "code", "/var/task")], tmp_path / "cache")


def test_without_the_functions_python_it_is_said_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "till.py").write_text("")
    monkeypatch.setattr(bytecode.shutil, "which", lambda _: None)
    with pytest.raises(bytecode.NotCompiled, match="make package"):
        bytecode.add([(tmp_path / "code", "/var/task")], tmp_path / "cache")

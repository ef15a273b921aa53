"""What is uploaded is today's code and the pinned dependencies, no more than is reached."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from infra import package
from lambdas.families import FAMILIES
from tests.infra.conftest import ROOT

FUNCTIONS = (*FAMILIES, "events", "jobs", "search")


@pytest.fixture
def build(tmp_path: Path) -> Path:
    """A build folder in which today's dependencies count as fetched."""
    (tmp_path / "layer" / "python").mkdir(parents=True)
    package._stamp(tmp_path / "layer").write_text(package._fingerprint())
    return tmp_path


def tree(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def test_a_function_ships_what_its_handler_reaches(tmp_path: Path) -> None:
    root = tree(
        tmp_path,
        {
            "lambdas/__init__.py": "",
            "lambdas/till/__init__.py": "",
            "lambdas/till/handler.py": "from lambdas.till import operations\nimport json\n",
            "lambdas/till/operations.py": "def sell():\n    from .rules import price\n",
            "lambdas/till/rules.py": "from ..kinds import KINDS\nfrom shared import errors\n",
            "lambdas/till/forgotten.py": "",
            "lambdas/kinds.py": "import lambdas.other.kinds\n",
            "lambdas/other/__init__.py": "",
            "lambdas/other/kinds.py": "",
            "lambdas/other/handler.py": "",
        },
    )
    found = {str(path.relative_to(root)) for path in package.reached_modules("till", root)}
    assert found == {
        "lambdas/__init__.py",
        "lambdas/kinds.py",
        "lambdas/other/__init__.py",
        "lambdas/other/kinds.py",
        "lambdas/till/__init__.py",
        "lambdas/till/handler.py",
        "lambdas/till/operations.py",
        "lambdas/till/rules.py",
    }


def test_every_staged_function_starts_with_no_code_but_its_own_and_the_layer_s(build: Path) -> None:
    staged = package.staged(FAMILIES, build=build)
    shipped = staged.layer / "python"
    for name in FUNCTIONS:
        code = f"from lambdas.{name}.handler import lambda_handler; assert callable(lambda_handler)"
        result = subprocess.run(
            [sys.executable, "-c", code],
            cwd=build,
            env={"PYTHONPATH": os.pathsep.join(map(str, (staged.function(name), shipped)))},
            capture_output=True,
            text=True,
        )
        assert result.returncode == 0, result.stderr


def test_a_function_carries_no_other_family(build: Path) -> None:
    staged = package.staged(FAMILIES, build=build)
    for name in FAMILIES:
        handlers = staged.function(name).rglob("handler.py")
        assert [path.parent.name for path in handlers] == [name]


def test_stale_code_is_not_staged(build: Path) -> None:
    stale = [build / "functions" / "stat" / "gone.py", build / "layer/python/shared/gone.py"]
    for path in stale:
        path.parent.mkdir(parents=True)
        path.write_text("")
    staged = package.staged(FAMILIES, build=build)
    assert not [path for path in stale if path.exists()]
    assert (staged.layer / "python/shared/errors.py").read_text() == (
        ROOT / "shared/errors.py"
    ).read_text()


def test_dependencies_of_another_lock_file_are_refused(build: Path) -> None:
    package._stamp(build / "layer").write_text("another lock file")
    with pytest.raises(package.NotPackaged, match="make package"):
        package.staged(FAMILIES, build=build)


def test_without_dependencies_nothing_is_staged(tmp_path: Path) -> None:
    with pytest.raises(package.NotPackaged, match="make package"):
        package.staged(FAMILIES, build=tmp_path)


def test_a_function_without_a_handler_is_refused(build: Path) -> None:
    with pytest.raises(package.NotPackaged, match=r"lambdas/nowhere/handler\.py"):
        package.staged(["nowhere"], build=build)


def test_dependencies_are_fetched_once_per_lock_file(
    build: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[list[str]] = []

    def pip(arguments: list[str], *, check: bool) -> None:
        assert check
        calls.append(arguments)
        (build / "layer" / "python" / "pycountry" / "locales").mkdir(parents=True)

    monkeypatch.setattr(package.subprocess, "run", pip)
    package.fetch_dependencies(build=build)
    assert calls == []
    package._stamp(build / "layer").write_text("another lock file")
    package.fetch_dependencies(build=build)
    (arguments,) = calls
    assert {"--require-hashes", "--only-binary=:all:", "3.13"} <= set(arguments)
    assert "manylinux2014_aarch64" in arguments
    assert not (build / "layer/python/pycountry/locales").exists()
    package.fetch_dependencies(build=build)
    assert len(calls) == 1


@pytest.mark.parametrize(("mib", "status"), [(1, 0), (16, 1)])
def test_a_package_over_the_limit_fails_the_build(
    mib: int,
    status: int,
    build: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (build / "layer/python/random.bin").write_bytes(os.urandom(mib * 2**20))
    staged = package.staged(FAMILIES, build=build)
    monkeypatch.setattr(package, "fetch_dependencies", lambda **_: build / "layer")
    monkeypatch.setattr(package, "staged", lambda *_, **__: staged)
    assert package.main([]) == status
    shown = {line.split()[0] for line in capsys.readouterr().out.splitlines()}
    assert shown == set(FUNCTIONS)


def test_the_deployment_tool_is_pinned_and_its_lock_names_no_registry() -> None:
    wanted = json.loads((ROOT / "package.json").read_text())["devDependencies"]
    lock = json.loads((ROOT / "package-lock.json").read_text())["packages"]
    for name, version in wanted.items():
        locked = lock[f"node_modules/{name}"]
        assert locked["version"] == version
        assert locked["integrity"].startswith("sha512-")
    assert not [each for each in lock.values() if "resolved" in each]

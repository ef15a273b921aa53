"""The assets that are uploaded: the layer and one folder per function, built without a container.

``make package`` runs this module. It fetches the layer's pinned dependencies as wheels for the
runtime (Python 3.13 on arm64), on any machine. Only this step needs a network. All other files are
copied from the checkout at each synthesis, so old code cannot be deployed, and everything gets its
bytecode. A function has the modules that its handler imports, and no module of another family.
"""

from __future__ import annotations

import argparse
import ast
import compileall
import hashlib
import io
import py_compile
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from infra import bytecode

ROOT = Path(__file__).resolve().parents[1]
BUILD = ROOT / "build"
REQUIREMENTS = ROOT / "shared" / "requirements.txt"
LIMIT_MIB = 15
"""The limit of a function with its layer, zipped. A cold start has to fetch both."""

_EVENT_FUNCTIONS = ("events", "jobs", "search")
_STAMP = "requirements.sha256"
_LAYER, _TASK = "/opt/python", "/var/task"
# Files of wheels that no request needs: translations of country names, tests, type stubs.
_NOT_SHIPPED = ("pycountry/locales", "**/tests", "**/*.pyi", "**/*.pyx", "bin", "**/__pycache__")


class NotPackaged(Exception):
    """The layer's dependencies are missing, or are from another lock file."""


@dataclass(frozen=True, slots=True)
class Package:
    """The folders of the assets: the layer, and one per function under ``functions``."""

    layer: Path
    functions: Path

    def function(self, name: str) -> Path:
        return self.functions / name


def staged(families: Iterable[str], *, host: bool = False, build: Path = BUILD) -> Package:
    """Returns the assets, with the current code. Raises ``NotPackaged`` where ``make package`` has
    to run first. ``host``: the layer for this machine, which only the emulator can run."""
    package = Package(layer=_layer_folder(build, host=host), functions=build / "functions")
    if not _is_fetched(package.layer):
        raise NotPackaged(
            "The layer's dependencies are missing, or older than shared/requirements.txt: run "
            "`make package` first, or synthesise with `-c assets=none` to see the templates only."
        )
    _copy_shared(package.layer / "python")
    names = [*families, *_EVENT_FUNCTIONS]
    for name in names:
        _copy_function(name, package.function(name))
    if host:
        compile_for_host([package.layer / "python" / "shared", *map(package.function, names)])
    else:
        functions = [(package.function(name), _TASK) for name in names]
        bytecode.add([(package.layer / "python", _LAYER), *functions], BUILD / "bytecode")
    return package


def compile_for_host(folders: Iterable[Path]) -> None:
    """Adds the bytecode for this machine's Python, with which the emulator runs its functions. It
    is not compared with its source, as the functions' own: each function unpacks both anew."""
    for folder in folders:
        compileall.compile_dir(
            folder, quiet=1, invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH
        )


def empty(folder: Path, families: Iterable[str]) -> Package:
    """Returns empty assets, for templates that are only read, not deployed."""
    package = Package(layer=folder / "layer", functions=folder / "functions")
    package.layer.mkdir(parents=True, exist_ok=True)
    for name in (*families, *_EVENT_FUNCTIONS):
        package.function(name).mkdir(parents=True, exist_ok=True)
    return package


def fetch_dependencies(*, host: bool = False, build: Path = BUILD) -> Path:
    """Fetches the pinned wheels into the layer's folder, and checks their hashes. Returns the
    folder. Fetches nothing if they are there already: only a new lock file needs the network."""
    layer = _layer_folder(build, host=host)
    if _is_fetched(layer):
        return layer
    shutil.rmtree(layer, ignore_errors=True)
    target = [] if host else _runtime_target()
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "install", "--quiet", "--no-compile", "--no-deps"),
            *("--require-hashes", "--only-binary=:all:", "--disable-pip-version-check"),
            *target,
            *("--target", str(layer / "python"), "--requirement", str(REQUIREMENTS)),
        ],
        check=True,
    )
    for pattern in _NOT_SHIPPED:
        for path in list((layer / "python").glob(pattern)):
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    if host:
        compile_for_host([layer / "python"])
    _stamp(layer).write_text(_fingerprint())
    return layer


def reached_modules(name: str, root: Path = ROOT) -> list[Path]:
    """Returns the files under ``lambdas`` that the function's handler imports, directly or
    indirectly, and the ``__init__`` files of their packages."""
    found: set[Path] = set()
    waiting = [root / "lambdas" / name / "handler.py"]
    while waiting:
        path = waiting.pop()
        if path in found or not path.is_file():
            continue
        found.add(path)
        waiting.extend(_packages_of(path, root))
        waiting.extend(_imported_files(path, root))
    return sorted(found)


def zipped_bytes(folder: Path) -> int:
    """Returns the size of the folder as it is uploaded, in bytes."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                archive.write(path, path.relative_to(folder))
    return target.tell()


def sizes(package: Package) -> dict[str, int]:
    """Returns the size of each function with its layer, zipped, in bytes."""
    layer = zipped_bytes(package.layer)
    return {
        folder.name: layer + zipped_bytes(folder)
        for folder in sorted(package.functions.iterdir())
        if folder.is_dir()
    }


def _layer_folder(build: Path, *, host: bool) -> Path:
    return build / ("layer-host" if host else "layer")


def _stamp(layer: Path) -> Path:
    """Returns the file with the hash of the lock file. It is beside the layer, so it is not
    uploaded."""
    return layer.parent / f"{layer.name}.{_STAMP}"


def _is_fetched(layer: Path) -> bool:
    stamp = _stamp(layer)
    return stamp.is_file() and stamp.read_text() == _fingerprint()


def _runtime_target() -> list[str]:
    return [
        *("--platform", "manylinux2014_aarch64", "--platform", "manylinux_2_28_aarch64"),
        *("--implementation", "cp", "--python-version", "3.13"),
    ]


def _fingerprint() -> str:
    return hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()


def _copy_shared(python: Path) -> None:
    shutil.rmtree(python / "shared", ignore_errors=True)
    shutil.copytree(
        ROOT / "shared",
        python / "shared",
        ignore=shutil.ignore_patterns("__pycache__", "requirements.txt"),
    )


def _copy_function(name: str, folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    modules = reached_modules(name)
    if not modules:
        raise NotPackaged(f"There is no lambdas/{name}/handler.py to make a function of.")
    for path in modules:
        target = folder / path.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)


def _packages_of(path: Path, root: Path) -> Iterator[Path]:
    for folder in path.parents:
        if folder == root:
            return
        yield folder / "__init__.py"


def _imported_files(path: Path, root: Path) -> Iterator[Path]:
    for node in ast.walk(ast.parse(path.read_text())):
        for module in _imported_names(node, path, root):
            if module.split(".")[0] == "lambdas":
                place = root.joinpath(*module.split("."))
                yield place.with_suffix(".py")
                yield place / "__init__.py"


def _imported_names(node: ast.AST, path: Path, root: Path) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    if isinstance(node, ast.ImportFrom):
        here = path.relative_to(root).with_suffix("").parts
        start = here[: len(here) - node.level] if node.level else ()
        module = ".".join((*start, *filter(None, [node.module])))
        yield module
        yield from (f"{module}.{alias.name}" for alias in node.names)


def main(arguments: list[str] | None = None) -> int:
    """Fetches, stages, and prints the size of each function. Returns 1 if one is over the limit."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--host", action="store_true", help="for this machine: the emulator's")
    host = parser.parse_args(arguments).host
    # Imported here: it imports every model, and the other users of this module do not need them.
    from lambdas.families import FAMILIES

    fetch_dependencies(host=host)
    too_large = 0
    for name, size in sizes(staged(FAMILIES, host=host)).items():
        mib = size / 2**20
        too_large += mib > LIMIT_MIB
        sys.stdout.write(f"{name:<14} {mib:6.2f} MiB of {LIMIT_MIB} with its layer, zipped\n")
    return 1 if too_large else 0


if __name__ == "__main__":
    sys.exit(main())

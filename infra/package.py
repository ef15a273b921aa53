"""What is uploaded, built without a container: the layer and one folder per function.

``make package`` runs this module. It fetches the layer's pinned dependencies as ready-made wheels
for the runtime (Python 3.13 on arm64), whatever machine it runs on; that is the one step which
needs a network. Everything else is copied from the checkout at each synthesis, so no stale code
can be deployed. A function gets the modules that its handler reaches, and no other family's.
"""

from __future__ import annotations

import argparse
import ast
import hashlib
import io
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BUILD = ROOT / "build"
REQUIREMENTS = ROOT / "shared" / "requirements.txt"
LIMIT_MIB = 15
"""A function and its layer together, zipped: what a cold start has to fetch."""

_EVENT_FUNCTIONS = ("events", "search")
_STAMP = "requirements.sha256"
# What wheels bring that no request reads: translations of country names, tests, type stubs.
_NOT_SHIPPED = ("pycountry/locales", "**/tests", "**/*.pyi", "**/*.pyx", "bin", "**/__pycache__")


class NotPackaged(Exception):
    """The layer's dependencies are missing, or were made from another lock file."""


@dataclass(frozen=True, slots=True)
class Package:
    """Where the assets lie: the layer's folder, and one folder per function under ``functions``."""

    layer: Path
    functions: Path

    def function(self, name: str) -> Path:
        return self.functions / name


def staged(families: Iterable[str], *, host: bool = False, build: Path = BUILD) -> Package:
    """The assets, with today's code in them. ``NotPackaged`` where ``make package`` has to run
    first. ``host`` means the layer made for this machine, which only the emulator can run."""
    package = Package(layer=_layer_folder(build, host=host), functions=build / "functions")
    if not _is_fetched(package.layer):
        raise NotPackaged(
            "The layer's dependencies are not built, or not from today's shared/requirements.txt: "
            "run `make package` first, or synthesise with `-c assets=none` to look at templates."
        )
    _copy_shared(package.layer / "python")
    for name in (*families, *_EVENT_FUNCTIONS):
        _copy_function(name, package.function(name))
    return package


def empty(folder: Path, families: Iterable[str]) -> Package:
    """Assets with nothing in them, to look at templates; not for deployment."""
    package = Package(layer=folder / "layer", functions=folder / "functions")
    package.layer.mkdir(parents=True, exist_ok=True)
    for name in (*families, *_EVENT_FUNCTIONS):
        package.function(name).mkdir(parents=True, exist_ok=True)
    return package


def fetch_dependencies(*, host: bool = False, build: Path = BUILD) -> Path:
    """Fetch the pinned wheels, every one checked against its hash, into the layer's folder, unless
    they are there already: only a new lock file needs the network again."""
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
    _stamp(layer).write_text(_fingerprint())
    return layer


def reached_modules(name: str, root: Path = ROOT) -> list[Path]:
    """The files under ``lambdas`` that the function's handler imports, directly or through others,
    with the packages that they lie in."""
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
    """The size of the folder as it is uploaded."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                archive.write(path, path.relative_to(folder))
    return target.tell()


def sizes(package: Package) -> dict[str, int]:
    """Per function, what a cold start fetches: itself and the layer, zipped, in bytes."""
    layer = zipped_bytes(package.layer)
    return {
        folder.name: layer + zipped_bytes(folder)
        for folder in sorted(package.functions.iterdir())
        if folder.is_dir()
    }


def _layer_folder(build: Path, *, host: bool) -> Path:
    return build / ("layer-host" if host else "layer")


def _stamp(layer: Path) -> Path:
    """Beside the layer, not in it: what is uploaded must not say how it was made."""
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
    """Fetch, stage, and say how large each function is; 1 where one is over the limit."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--host", action="store_true", help="for this machine: the emulator's")
    host = parser.parse_args(arguments).host
    # Imported here: the routes bring every model with them, which a module that only copies
    # files must not cost its importers.
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

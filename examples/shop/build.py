"""Rebuilds the example units: `python examples/shop/build.py` (or `make examples`).

Each (unit, version) is one source built with other flags. Whatever toolchain is missing is named
with the way to get it, and the committed artifact stays. Builds are deterministic: the same
toolchain version gives the same bytes, which `--check` proves against SHA256SUMS.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
from pathlib import Path

import toolchains
from versions import BUILDS, Build

HERE = Path(__file__).resolve().parent
ARTIFACTS = HERE / "artifacts"
SUMS = HERE / "SHA256SUMS"


def sums_text(folder: Path) -> str:
    """SHA256SUMS as `sha256sum -c` reads it, for every module in `folder`."""
    lines = [
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  artifacts/{path.name}\n"
        for path in sorted(folder.glob("*.wasm"))
    ]
    return "".join(lines)


def build(one: Build, missing: set[str]) -> bytes | None:
    """The module of one version, or None when its toolchain is not here (then named in `missing`)."""
    command = toolchains.find(one.language)
    if command is None:
        missing.add(one.language)
        return None
    module = toolchains.compile_unit(command, one, HERE)
    return toolchains.with_description(module, one)


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description="Rebuild the example units.")
    parser.add_argument("only", nargs="*", help="unit or unit-version, e.g. cart or cart-v43")
    parser.add_argument(
        "--check", action="store_true", help="compare with SHA256SUMS, write nothing"
    )
    options = parser.parse_args(arguments)
    missing: set[str] = set()
    different: list[str] = []
    known = dict(reversed(line.split("  artifacts/")) for line in SUMS.read_text().splitlines())
    for one in BUILDS:
        if options.only and one.unit not in options.only and one.name not in options.only:
            continue
        try:
            module = build(one, missing)
        except toolchains.BuildFailed as error:
            print(f"{one.name}: {error}", file=sys.stderr)
            return 1
        if module is None:
            continue
        digest = hashlib.sha256(module).hexdigest()
        same = known.get(f"{one.name}.wasm") == digest
        if not same:
            different.append(one.name)
        print(
            f"{one.name:<14} {len(module):>6} bytes  {digest[:12]}  {'same' if same else 'CHANGED'}"
        )
        if not options.check:
            (ARTIFACTS / f"{one.name}.wasm").write_bytes(module)
    for language in sorted(missing):
        print(
            f"{language}: no toolchain, its units were left as they are. {toolchains.HOW_TO_GET[language]}"
        )
    if options.check:
        return 1 if different else 0
    SUMS.write_text(sums_text(ARTIFACTS))
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))

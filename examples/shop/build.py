"""Rebuilds the example units: `python examples/shop/build.py` (or `make examples`).

Each (unit, version) is one source built with other flags. Whatever toolchain is missing is named
with the way to get it, and the committed artifact stays. Builds are deterministic: the same
compiler version gives the same bytes, which `--check` proves against SHA256SUMS. New digests go
into SHA256SUMS and gaesup.yaml.
"""

from __future__ import annotations

import argparse
import hashlib
import re
import sys
from pathlib import Path

import toolchains
from versions import BUILDS, Build

HERE = Path(__file__).resolve().parent
ARTIFACTS = HERE / "artifacts"
SUMS = HERE / "SHA256SUMS"
PROJECT = HERE / "gaesup.yaml"


def read_sums() -> dict[str, str]:
    """Digest by file name, as SHA256SUMS has them."""
    lines = (line.split("  artifacts/") for line in SUMS.read_text().splitlines())
    return {name: digest for digest, name in lines}


def write_sums() -> None:
    """Writes SHA256SUMS in the form `sha256sum -c` reads, for every module there is."""
    lines = [
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  artifacts/{path.name}\n"
        for path in sorted(ARTIFACTS.glob("*.wasm"))
    ]
    SUMS.write_text("".join(lines))


def write_project() -> None:
    """Puts the digests of SHA256SUMS into gaesup.yaml, whose artifacts are refused otherwise."""
    digests = read_sums()
    unit = ""
    lines = []
    for line in PROJECT.read_text().splitlines(keepends=True):
        if found := re.match(r"    artifact: artifacts/([a-z]+)-", line):
            unit = found[1]
        if found := re.match(r'      (v\d+): \{sha256: "([0-9a-f]{64})"', line):
            line = line.replace(found[2], digests[f"{unit}-{found[1]}.wasm"])
        lines.append(line)
    PROJECT.write_text("".join(lines))


def build(one: Build, missing: set[str]) -> bytes | None:
    """The module of one version; None when its toolchain is not here, then added to `missing`.

    Raises toolchains.BuildFailed when the compiler refuses the source.
    """
    command = toolchains.find(one.language)
    if command is None:
        missing.add(one.language)
        return None
    return toolchains.with_description(toolchains.compile_unit(command, one, HERE), one)


def say_other_versions(languages: set[str]) -> None:
    """Tells which compilers are not the ones the committed modules were built with."""
    for language in sorted(languages):
        command = toolchains.find(language)
        found = toolchains.version(language, command) if command else ""
        expected = toolchains.BUILT_WITH[language]
        if command and found != expected:
            print(f"{language}: this is {found}, the artifacts come from {expected}: bytes differ")


def build_all(chosen: list[Build], write: bool) -> tuple[list[str], set[str]]:
    """Builds `chosen`; returns the names whose bytes changed and the languages not here."""
    known = read_sums()
    say_other_versions({one.language for one in chosen})
    missing: set[str] = set()
    changed: list[str] = []
    for one in chosen:
        module = build(one, missing)
        if module is None:
            continue
        digest = hashlib.sha256(module).hexdigest()
        word = "same" if known.get(f"{one.name}.wasm") == digest else "changed"
        print(f"{one.name:<14} {len(module):>6} bytes  {digest[:12]}  {word}", flush=True)
        if word == "changed":
            changed.append(one.name)
        if write:
            (ARTIFACTS / f"{one.name}.wasm").write_bytes(module)
    return changed, missing


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description="Rebuild the example units.")
    parser.add_argument("only", nargs="*", help="unit or unit-version, e.g. cart or cart-v43")
    parser.add_argument("--check", action="store_true", help="only compare with SHA256SUMS")
    options = parser.parse_args(arguments)
    wanted: list[str] = options.only
    chosen = [one for one in BUILDS if not wanted or one.unit in wanted or one.name in wanted]
    if not chosen:
        print(f"No such unit or version: {', '.join(wanted)}. Say one of these:", file=sys.stderr)
        print(" ".join(one.name for one in BUILDS), file=sys.stderr)
        return 2
    try:
        changed, missing = build_all(chosen, write=not options.check)
    except toolchains.BuildFailed as error:
        print(f"{error}\nSHA256SUMS was not written.", file=sys.stderr)
        return 1
    for language in sorted(missing):
        how = toolchains.HOW_TO_GET[language]
        print(f"{language}: no toolchain, its units stay as they are. {how}")
    if options.check:
        return 1 if changed else 0
    write_sums()
    write_project()
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))

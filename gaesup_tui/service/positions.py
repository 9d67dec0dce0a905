"""YAML with the line of every value, so that an error can say where it is.

Plain data only: no tags, no dates, no merge keys; a key is the text that was written.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from gaesup_tui.domain.errors import Invalid
from gaesup_tui.domain.text import printable_line

Path = tuple[str | int, ...]

MAX_VALUES = 20_000
"""Counted with every alias written out: a small file can ask for a great many."""


class Located(Invalid):
    """Invalid input at a line."""

    def __init__(self, line: int, message: str, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.line = line


@dataclass(frozen=True, slots=True)
class Document:
    """Data and where it was written, lines from 1."""

    data: Any
    lines: Mapping[Path, int]

    def line(self, path: Path) -> int:
        """The line of ``path``, or of the nearest thing around it."""
        for end in range(len(path), -1, -1):
            if path[:end] in self.lines:
                return self.lines[path[:end]]
        return 1


def parse(text: str) -> Document:
    """Raises ``Located`` for what is not YAML, or more than plain data."""
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        raise _not_yaml(error) from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        what = f"character {error.character:#06x}" if isinstance(error.character, int) else "bytes"
        raise Located(line, f"this is not YAML: it holds a {what}", "take it out") from None
    except yaml.YAMLError as error:
        raise Located(1, f"this is not YAML: {printable_line(str(error), 200)}") from None
    except RecursionError:
        raise Located(1, "values are nested too deeply") from None
    if node is None:
        raise Located(1, "the file is empty", "`gaesup init` writes one to begin with")
    reader = _Reader()
    return Document(reader.value(node, (), node.start_mark.line + 1), reader.lines)


def _not_yaml(error: yaml.MarkedYAMLError) -> Located:
    mark = error.problem_mark or error.context_mark
    line = mark.line + 1 if mark else 1
    problem = error.problem or str(error)
    if "\\t" in problem:
        return Located(line, "there is a tab", "YAML indents with spaces")
    if "expected <block end>" in problem or "mapping values are not allowed" in problem:
        return Located(
            line,
            "the indentation does not fit",
            "put what belongs together at the same column, and a space after each ':'",
        )
    if "could not find expected ':'" in problem:
        return Located(line, "a ':' is missing", "write `name: value`")
    parts = [problem, error.context] if error.context else [problem]
    if problem.startswith("but "):
        parts.reverse()
    return Located(line, f"this is not YAML: {printable_line(' '.join(parts), 200)}")


class _Reader:
    def __init__(self) -> None:
        self.lines: dict[Path, int] = {}
        self._count = 0

    def value(self, node: yaml.Node, path: Path, line: int) -> Any:
        self._count += 1
        if self._count > MAX_VALUES or len(path) > 40:
            raise Located(line, "the file has too many values", "split it into several")
        self.lines[path] = line
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [
                self.value(each, (*path, number), each.start_mark.line + 1)
                for number, each in enumerate(node.value)
            ]
        return _scalar(node)

    def _mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode):
                raise Located(line, "a name is not text", "write `name: value`")
            key = key_node.value
            if key in found:
                first = self.lines[(*path, key)]
                where = ".".join(map(str, (*path, printable_line(key, 80))))
                raise Located(line, f"{where} is written twice, first in line {first}", "keep one")
            found[key] = self.value(value_node, (*path, key), line)
        return found


_CONSTRUCT: dict[str, Callable[[str], Any]] = {
    "tag:yaml.org,2002:null": lambda text: None,
    "tag:yaml.org,2002:bool": lambda text: text.lower() in ("true", "yes", "on"),
    "tag:yaml.org,2002:int": lambda text: int(text.replace("_", ""), 0),
    "tag:yaml.org,2002:float": lambda text: float(text.replace("_", "")),
}


def _scalar(node: yaml.Node) -> Any:
    """The value; what YAML 1.1 would make a date or a number of base 60 stays text."""
    construct = _CONSTRUCT.get(node.tag)
    text: str = node.value
    if construct is None:
        return text
    try:
        return construct(text)
    except ValueError:
        return text

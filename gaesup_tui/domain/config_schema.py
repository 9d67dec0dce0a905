"""The JSON schema of ``gaesup.yaml``, for editors, for the documentation and for errors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from pydantic import BaseModel

from gaesup_tui.domain.config import ProjectFile
from gaesup_tui.domain.step_spec import CanaryStep, StrategyStep


def json_schema() -> dict[str, Any]:
    """The published schema: what the models say, and the short forms they take."""
    schema = ProjectFile.model_json_schema(by_alias=True, mode="validation")
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "gaesup.yaml",
        **{k: v for k, v in schema.items() if k != "title"},
    }
    for steps in (CanaryStep, StrategyStep):
        properties = schema["$defs"][steps.__name__]["properties"]
        for word, field in steps.short.items():
            if word not in properties:
                continue
            kinds = properties[word]["anyOf"]
            spec = next(kind["$ref"] for kind in kinds if "$ref" in kind).rpartition("/")[2]
            short = schema["$defs"][spec]["properties"][field]
            plain = [{"type": "string"}] if short.get("type") == "array" else []
            properties[word]["anyOf"] = [*kinds, *short.get("anyOf", [short]), *plain]
    return schema


@dataclass(frozen=True)
class Schema:
    """A schema one can walk by the path of a value."""

    root: Mapping[str, Any]

    @staticmethod
    @cache
    def of(model: type[BaseModel]) -> Schema:
        return Schema(model.model_json_schema(by_alias=True, mode="validation"))

    def nodes(self, loc: tuple[str | int, ...]) -> list[Mapping[str, Any]]:
        """Every schema a value at ``loc`` may follow."""
        nodes = list(self._plain(self.root))
        for part in loc:
            nodes = [deeper for node in nodes for deeper in self._step(node, part)]
        return nodes

    def description(self, loc: tuple[str | int, ...]) -> str:
        """What the field at ``loc`` means, in one line; of what is around it when that is not
        known."""
        for end in range(len(loc), 0, -1):
            for node in self.nodes(loc[:end]):
                if text := node.get("description"):
                    return " ".join(str(text).split()).rstrip(".").replace("``", "`")
        return "see docs/configuration.md"

    def _plain(self, node: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
        """Follows references and alternatives; a field's own description wins."""
        outer = {k: node[k] for k in ("description",) if k in node}
        if "$ref" in node:
            name = str(node["$ref"]).rpartition("/")[2]
            for deeper in self._plain(self.root["$defs"][name]):
                yield {**deeper, **outer}
        elif "anyOf" in node:
            for each in node["anyOf"]:
                for deeper in self._plain(each):
                    yield {**deeper, **outer}
        else:
            yield node

    def _step(self, node: Mapping[str, Any], part: str | int) -> Iterator[Mapping[str, Any]]:
        if isinstance(part, int):
            if "items" in node:
                yield from self._plain(node["items"])
        elif part in node.get("properties", {}):
            yield from self._plain(node["properties"][part])
        else:
            for name in ("additionalProperties", "patternProperties"):
                inner = node.get(name)
                if isinstance(inner, dict):
                    each = inner if name == "additionalProperties" else next(iter(inner.values()))
                    yield from self._plain(each)


def fields_at(schema: Schema, loc: tuple[str | int, ...]) -> list[str]:
    """The names of the fields a value at ``loc`` may have."""
    return [name for node in schema.nodes(loc) for name in node.get("properties", {})]

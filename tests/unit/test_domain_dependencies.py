"""Who needs whom: circles are found, and dependents come first."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gaesup_tui.domain import commands as cmd
from gaesup_tui.domain.dependencies import circle, dependents_first
from gaesup_tui.domain.errors import Invalid
from gaesup_tui.service import project

from .story import KEY, Story, revision

NAMES = st.sampled_from("abcdef")
NEEDS = st.dictionaries(NAMES, st.lists(NAMES, max_size=3), max_size=6)


@given(NEEDS)
def test_a_circle_is_one_and_without_any_every_dependent_comes_first(
    needs: dict[str, list[str]],
) -> None:
    found = circle(needs)
    for name, other in pairwise(found):
        assert other in needs[name]
    groups = dependents_first(needs)
    where = {name: number for number, group in enumerate(groups) for name in group}
    assert where.keys() == needs.keys()
    for name, others in needs.items():
        for other in (o for o in others if o in needs):
            # Only names in a circle may come together; never a need before its dependent.
            assert where[name] < where[other] or (found and where[name] == where[other])


def test_what_is_below_a_circle_still_comes_after_it() -> None:
    needs = {"a": ["b"], "b": ["a", "c"], "c": ["d"], "d": [], "top": ["a"]}
    assert dependents_first(needs) == (("top",), ("a", "b"), ("c",), ("d",))


def test_a_circle_in_a_file_is_one_error_at_its_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "gaesup.yaml").write_text(
        "apiVersion: gaesup/v1\n"
        "environments: {production:}\n"
        "units:\n"
        "  cart: {artifact: c, versions: {v1:}}\n"
        "  shop:\n"
        "    artifact: s\n"
        "    versions: {v1:}\n"
        "    dependsOn: [cart, price]\n"
        "  price: {artifact: p, versions: {v1:}, dependsOn: [shop]}\n"
    )
    with pytest.raises(Invalid) as caught:
        project.load(project.find())
    assert str(caught.value).startswith(
        "gaesup.yaml:8: units.shop.dependsOn: units depend on each other in a circle: "
        "shop → price → shop"
    )


def test_a_deployment_keeps_what_it_depends_on_until_a_deploy_says_otherwise() -> None:
    story = Story()
    first = cmd.Deploy(deployment=KEY, revision=revision("v41"), depends_on=("search",))
    story.ask(first)
    story.settle()
    story.ask(cmd.Deploy(deployment=KEY, revision=revision("v42"), depends_on=("mail", "search")))
    story.settle()
    story.later(3600)
    assert story.deployment.depends_on == ("mail", "search")
    story.ask(cmd.Rollback(deployment=KEY))
    assert story.deployment.depends_on == ("mail", "search")
    story.settle()
    story.later(3600)
    story.ask(cmd.Deploy(deployment=KEY, revision=revision("v43")))
    assert not story.deployment.depends_on

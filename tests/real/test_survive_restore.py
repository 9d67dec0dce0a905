"""A backup brings everything back: on the same machine, and in another place."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from .stack import CART, Stack, running_stack, waits_for_person
from .traffic import flowing, wrong

pytestmark = pytest.mark.real


def backup(stack: Stack, to: Path) -> None:
    """As docs/operations.md says."""
    done = stack.run("engine", "backup", "--to", str(to / "journal.db"))
    assert done.returncode == 0, done.stderr
    shutil.copytree(stack.places.state / "artifacts", to / "artifacts")


def restore(stack: Stack, source: Path) -> None:
    """As docs/operations.md says; no engine may run."""
    state = stack.places.state
    state.mkdir(mode=0o700, parents=True, exist_ok=True)
    for old in state.glob("journal.db*"):
        old.rename(old.with_name(f"damaged-{old.name}"))
    shutil.copy(source / "journal.db", state / "journal.db")
    shutil.copytree(source / "artifacts", state / "artifacts", dirs_exist_ok=True)


def test_a_damaged_journal_is_replaced_by_its_backup_while_units_serve(tmp_path: Path) -> None:
    with running_stack() as stack:
        stack.serve("cart", "v41")
        stack.canary_at_gate()
        backup(stack, tmp_path)
        with flowing(stack.port) as traffic:
            stack.kill_engine()
            journal = stack.places.journal
            for beside in journal.parent.glob("journal.db-*"):
                beside.unlink()
            journal.write_bytes(b"\0" * 20_000)
            refused = stack.run("engine", "start")
            assert refused.returncode == 5
            assert "damaged" in refused.stderr
            restore(stack, tmp_path)
            stack.start()
            row = stack.until(CART, waits_for_person, "at its gate again")
            stack.ask("promote", full=True)
            stack.until(CART, lambda row: row["version"] == "v42", "promoted")
            report = traffic.end()
        assert row["rollout"] is not None
        assert row["rollout"]["weight_seen"] == 25
        assert wrong(report) == {}


def test_another_place_serves_what_the_first_one_served(tmp_path: Path) -> None:
    with running_stack() as first:
        first.serve("cart", "v41")
        first.canary_at_gate()
        backup(first, tmp_path)
    with running_stack(start=False) as second:
        restore(second, tmp_path)
        second.start()
        row = second.until(CART, lambda row: bool(row["ready"] == 2), "serving")
        assert waits_for_person(row), row["status_text"]
        with flowing(second.port) as traffic:
            second.until(CART, lambda row: row["status"] == "waiting", "as it was")
            later = traffic.next_second()
        assert wrong(later) == {}
        assert len(later.by_revision) == 2

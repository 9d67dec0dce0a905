"""Where things are kept, and that nobody else gets at them."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from gaesup_tui.domain.errors import Invalid
from gaesup_tui.service import places
from gaesup_tui.service.places import MAX_SOCKET_BYTES
from tests.service_world import places_below, short_folder


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_one_variable_puts_everything_below_one_folder() -> None:
    with short_folder() as folder:
        found = places_below(folder)
        for each in (found.config, found.state, found.logs, found.runtime, found.socket):
            assert folder in each.parents


def test_two_homes_share_nothing() -> None:
    with short_folder() as one, short_folder() as other:
        a, b = places_below(one), places_below(other)
        assert not {a.socket, a.journal, a.engine_lock} & {b.socket, b.journal, b.engine_lock}


def test_a_home_that_is_not_absolute_is_refused() -> None:
    with pytest.raises(Invalid, match="GAESUP_HOME is 'here'"):
        places.find({"GAESUP_HOME": "here"})


def test_sockets_have_short_paths_however_deep_the_home_is(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 80)
    found = places_below(deep)
    assert len(os.fsencode(found.socket)) < MAX_SOCKET_BYTES
    assert found.runtime != places_below(tmp_path / ("e" * 80)).runtime
    assert found.state == deep / "state"


def test_folders_are_made_for_this_user_alone() -> None:
    with short_folder() as folder:
        found = places_below(folder / "home")
        places.make(found)
        for each in (found.state, found.logs, found.runtime):
            assert mode(each) == 0o700


def test_a_folder_others_can_read_is_closed() -> None:
    with short_folder() as folder:
        found = places_below(folder)
        found.state.mkdir(mode=0o755)
        places.make(found)
        assert mode(found.state) == 0o700


def test_a_folder_others_can_write_is_refused_with_what_to_do() -> None:
    with short_folder() as folder:
        found = places_below(folder)
        found.state.mkdir()
        found.state.chmod(0o777)
        with pytest.raises(Invalid, match="written by others") as refusal:
            places.make(found)
        assert f"chmod 700 {found.state}" in refusal.value.hint


def test_a_link_in_place_of_a_folder_is_refused() -> None:
    with short_folder() as folder:
        found = places_below(folder)
        (folder / "elsewhere").mkdir(mode=0o700)
        found.state.symlink_to(folder / "elsewhere")
        with pytest.raises(Invalid, match="not a folder"):
            places.make(found)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_a_folder_of_somebody_else_is_refused() -> None:
    with short_folder() as folder:
        found = places_below(folder)
        found.runtime.mkdir(mode=0o700)
        os.chown(found.runtime, 65534, 65534)
        with pytest.raises(Invalid, match="belongs to user 65534"):
            places.make(found)


def test_a_place_that_cannot_be_made_says_why() -> None:
    with short_folder() as folder:
        (folder / "state").write_text("in the way")
        with pytest.raises(Invalid, match=r"state"):
            places.make(places_below(folder))

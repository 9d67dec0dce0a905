"""Glass broken for a release train: how it goes on in a freeze window, and how far.

With a promotion, as for a rollout: what waits passes its gate and goes on to the next one, and the
units of the group that may begin with it, begin; the group after it is asked about anew.
"""

from __future__ import annotations

from gaesup_tui.domain import events as ev
from gaesup_tui.domain.freezing import InForce, window_for
from gaesup_tui.domain.rollout import Actor
from gaesup_tui.domain.train import Car, Train
from gaesup_tui.domain.train_cars import rollout_of
from gaesup_tui.domain.world import World


def in_the_way(world: World, train: Train, now: float) -> InForce | None:
    """The window that keeps a train from being promoted; None when none does. Units that came with
    broken glass are not asked about; of several windows it is the one that ends last."""
    bound = [car for car in train.cars if not car.aside and not car.order.break_glass]
    windows = (window_for(world, car.key, now) for car in bound)
    return max(filter(None, windows), key=lambda each: each.until, default=None)


def glass_of(train: Train, car: Car, now: float) -> tuple[str, Actor | None]:
    """Why a unit may begin in a freeze window, and who said so; no reason: it may not."""
    if car.order.break_glass:
        return car.order.break_glass, train.by
    open_to = train.groups[: train.glass_group + 1]
    covers = now < train.glass_until and any(car in group for group in open_to)
    return train.glass if covers else "", train.glass_by


def broken(world: World, train: Train, window: InForce, why: str, now: float) -> list[ev.Event]:
    """The glass of every unit under way that stands in a window: each goes on to its next gate."""
    found: list[ev.Event] = []
    for car in train.cars:
        rollout, here = rollout_of(world, car), window_for(world, car.key, now)
        if car.aside or rollout is None or not rollout.active or here is None:
            continue
        if rollout.phase == "forward":
            until = min(here.until, window.until)
            found.append(
                ev.GlassBroken(
                    deployment=car.key, window=here.name, until=until, why=why, one_step=True
                )
            )
    return found

"""What the journal tells of release trains: the fold."""

from __future__ import annotations

from gaesup_tui.domain import events as ev
from gaesup_tui.domain.train import KEEP_TRAINS, Train, with_cars

TrainEvent = (
    ev.TrainStarted
    | ev.TrainMoved
    | ev.TrainStood
    | ev.TrainPromoted
    | ev.TrainSetAside
    | ev.TrainTurned
    | ev.TrainWentBack
    | ev.TrainFinished
)


def apply(trains: tuple[Train, ...], recorded: ev.Recorded) -> tuple[Train, ...]:
    """The trains after an event of one of them. Total: one that fits none changes nothing."""
    event = recorded.event
    if isinstance(event, ev.TrainStarted):
        others = [train for train in trains if train.name != event.train]
        over = [train for train in others if not train.active][-KEEP_TRAINS:]
        kept = [train for train in others if train.active or train in over]
        return (*kept, _started(event, recorded))
    name = getattr(event, "train", "")
    return tuple(_changed(train, recorded) if train.name == name else train for train in trains)


def _started(event: ev.TrainStarted, recorded: ev.Recorded) -> Train:
    return Train(
        name=event.train,
        environment=event.environment,
        by=recorded.by,
        at=recorded.at,
        why=event.why,
        groups=event.groups,
        gate=event.gate,
        on_failure=event.on_failure,
        at_once=event.at_once,
        expiry_s=event.expiry_s,
        since=recorded.at,
        seq=recorded.seq,
    )


def _changed(train: Train, recorded: ev.Recorded) -> Train:
    return _fold(train, recorded).model_copy(update={"seq": recorded.seq})


def _fold(train: Train, recorded: ev.Recorded) -> Train:
    at = recorded.at
    match recorded.event:
        case ev.TrainMoved(group=group, begins=begins):
            for rollout in begins:
                train = with_cars(train, [rollout.partition("#")[0]], rollout=rollout)
            return train.model_copy(update={"group": group})
        case ev.TrainStood(standing=standing):
            return _phase(train, "gate", at, standing=standing)
        case ev.TrainPromoted(group=group, aside=aside, accepted=accepted, note=note) as event:
            train = with_cars(with_cars(train, aside, aside=note), accepted, accepted=True)
            open_to = max(train.open_to, group)
            train = train.model_copy(
                update={
                    "glass": event.glass,
                    "glass_by": recorded.by if event.glass else None,
                    "glass_until": event.glass_until,
                    "glass_group": max(group, train.group),
                }
            )
            return _phase(train, "forward", at, standing=None, open_to=open_to, cause="")
        case ev.TrainSetAside(units=units, why=why):
            return with_cars(train, units, aside=why)
        case ev.TrainTurned(to="held", cause=cause):
            return _phase(train, "held", at, standing=None, cause=cause)
        case ev.TrainTurned(cause=cause):
            turn = len(train.groups)
            return _phase(train, "back", at, standing=None, cause=cause, turn=turn, turn_began=at)
        case ev.TrainWentBack(group=group, late=late):
            late = (*train.late, *late)
            return train.model_copy(update={"turn": group, "turn_began": at, "late": late})
        case ev.TrainFinished(outcome=outcome, note=note):
            return _phase(train, "finished", at, outcome=outcome, note=note, finished_at=at)
    return train


def fits(train: Train, event: ev.TrainTurned | ev.TrainWentBack) -> bool:
    """Whether an event that leads back would change the train."""
    if isinstance(event, ev.TrainWentBack):
        return train.phase == "back" and event.group < train.turn
    return train.phase not in ("back", "finished")


def _phase(train: Train, phase: str, at: float, **more: object) -> Train:
    return train.model_copy(update={"phase": phase, "since": at, **more})


def thawed(train: Train, since: float, until: float) -> Train:
    """The train after a freeze: what expires at its gate is put off by it."""
    if train.phase != "gate":
        return train
    lost = max(0.0, until - max(since, train.since))
    return train.model_copy(update={"since": train.since + lost})

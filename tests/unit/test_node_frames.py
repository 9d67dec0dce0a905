"""Frames survive any way a stream is cut."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from gaesup_backends.local import frames

payloads = st.lists(st.tuples(st.integers(0, 2**32 - 1), st.binary(max_size=60)), max_size=8)


def pieces(stream: bytes, cuts: list[int]) -> list[bytes]:
    edges = sorted({min(cut, len(stream)) for cut in cuts} | {0, len(stream)})
    return [stream[a:b] for a, b in pairwise(edges)]


@given(payloads, st.lists(st.integers(0, 600), max_size=12))
def test_requests_arrive_whole_however_they_are_cut(
    sent: list[tuple[int, bytes]], cuts: list[int]
) -> None:
    stream = b"".join(frames.request_frame(number, payload) for number, payload in sent)
    reader = frames.RequestReader()
    assert [frame for piece in pieces(stream, cuts) for frame in reader.feed(piece)] == sent


@given(payloads, st.lists(st.integers(0, 600), max_size=12))
def test_replies_arrive_whole_however_they_are_cut(
    sent: list[tuple[int, bytes]], cuts: list[int]
) -> None:
    stream = b"".join(frames.reply_frame(number, payload, 7, 2) for number, payload in sent)
    reader = frames.ReplyReader()
    received = [frame for piece in pieces(stream, cuts) for frame in reader.feed(piece)]
    assert received == [(number, 7, 2, payload) for number, payload in sent]


def test_an_outcome_of_a_newer_worker_is_still_a_trap() -> None:
    assert frames.outcome_name(60_000) == "other_trap"
    assert frames.outcome_name(frames.OUTCOME_NUMBERS["deadline"]) == "deadline"

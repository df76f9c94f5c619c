"""Writing a whole cue in plain layout: bar after bar, the best candidate kept every few bars, the context renewed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import takewhile

import numpy as np
from numpy.typing import NDArray

from emsync_engine.model import conditions as cond
from emsync_engine.model import events as ev
from emsync_engine.model import layouts as lay
from emsync_engine.model.decode.constraints import Band, Ends, Rules
from emsync_engine.model.decode.frame import Frame
from emsync_engine.model.decode.judge import Judge
from emsync_engine.model.decode.reference import Network
from emsync_engine.model.decode.sample import GUIDED, Sampling, guide_without
from emsync_engine.model.decode.state import Event, State
from emsync_engine.model.decode.strikes import Strikes
from emsync_engine.model.decode.wishes import Wishes
from emsync_engine.model.decode.writer import Page, Writer

CHUNK_BARS = 8
"""Bars after which the best candidate is chosen for all to go on from, and the context may be renewed."""
_RECALLED_BARS = 8
"""Bars of a section that are read again before its return is written."""
_GENEROUS = 1.3
"""Notes that may come for each that is aimed at."""

OnEvents = Callable[[int, Sequence[Event]], None]
"""Told the number of each finished bar, and its events."""


@dataclass(frozen=True)
class Decoding:
    """How notes are decoded."""

    sampling: Sampling = field(default_factory=Sampling)
    candidates: int = 4
    """Attempts, of which the best is kept; with one, bars are streamed as they are written."""
    wishes: Wishes = field(default_factory=Wishes)
    """What is added to the logits."""
    told: frozenset[str] = frozenset(cond.CHANNELS)
    """Channels the network is told."""

    forced: bool = True
    """Hits get their accents; otherwise the network is told of them and no more (to measure what it does by itself)."""

    theme: bool = True
    """A whole cue states the rules' motif; otherwise every note is the network's own (to measure it)."""

    def guides(self, guide: cond.Guide) -> list[cond.Guide]:
        """What the streams are told: the channels of `told`, and with guidance the same without the guided ones."""
        told = guide_without(guide, tuple(channel for channel in cond.CHANNELS if channel not in self.told))
        return [told] if self.sampling.guidance == 1 else [told, guide_without(told, GUIDED)]


@dataclass(frozen=True)
class Written:
    """What came of it."""

    events: tuple[Event, ...]
    fallbacks: int
    """How often no class satisfied all rules and grammar decided alone."""


def all_rules() -> Rules:
    return Rules((Band(), Ends(), Strikes()))


def opening_row(kind: int) -> NDArray[np.int16]:
    """A row (1, N_INPUTS) that opens a sequence."""
    row = np.zeros((1, lay.N_INPUTS), dtype=np.int16)
    row[0, ev.COL_KIND] = kind
    return row


def plain_opening(rows: NDArray[np.int16], bars: NDArray[np.int64], guide: cond.Guide) -> lay.Sequence:
    """Rows of plain layout (the first one opens it) in the bars given, with their conditions."""
    rows = rows.copy()
    rows[:, [lay.COL_LAST_PITCH, lay.COL_LAST_DUR, lay.COL_LAST_VEL]] = (lay.NO_PITCH, lay.NO_DUR, lay.NO_VEL)
    lay.with_last(rows, np.arange(len(rows)))
    values, categories = cond.encode(guide, bars, rows[:, ev.COL_POS])
    return lay.Sequence(rows, values, categories, np.ones(len(rows), dtype=np.float32))


def write_cue(
    network: Network, frame: Frame, guide: cond.Guide, stop: int, decoding: Decoding, seed: int, on_events: OnEvents,
    returns: Mapping[int, int] | None = None,
) -> Written:  # fmt: skip
    """Events of bars 0 to `stop` (not included), in time and memory linear in their number.

    A section begins on a new page: what the network read of the one before would make it go on with the same groove,
    whatever it is told. A section that returns begins after the bars of its first time.

    Args:
        returns: first bars of sections that return, with the first bar of their first time.
    """
    guides = decoding.guides(guide)
    first = np.zeros(1, dtype=np.int64)
    pages = [Page(plain_opening(opening_row(ev.BOS), first, g), g) for g in guides]
    writer = Writer(
        network,
        pages,
        State(frame, 0, stop),
        all_rules(),
        decoding.wishes.under(guide),
        decoding.sampling,
        seed,
        decoding.candidates,
    )
    judge = Judge(frame, guide)
    until = 0
    while until < stop:
        bar = until
        until = chunk_end(frame, bar, next_section(guide, bar, stop), writer.capacity - network.config.context)
        if bar and guide.section[bar]:
            turn_page(writer, guides, bar, (returns or {}).get(bar))
        elif bar and writer.length + expected_rows(guide, bar, until) > network.config.context:
            renew(writer, guides, network.config.context // 2)
        if decoding.candidates == 1:
            writer.write(until, lambda finished: on_events(finished, in_bar(writer, finished)))
        else:
            writer.write(until)
            writer.choose(judge.best(writer.candidates, bar, until))
            for finished in range(bar, until):
                on_events(finished, in_bar(writer, finished))
    return Written(tuple(writer.candidates[0].events), writer.candidates[0].state.fallbacks)


def next_section(guide: cond.Guide, bar: int, stop: int) -> int:
    """The bar with which the next section after `bar` begins, or `stop`."""
    following = np.flatnonzero(guide.section[bar + 1 : stop])
    return bar + 1 + int(following[0]) if len(following) else stop


def chunk_end(frame: Frame, bar: int, stop: int, spare: int) -> int:
    """The bar to write up to from `bar`: a few bars, fewer where even storms of notes would not fit `spare` rows."""
    limits = frame.limits
    quarters = np.diff(frame.bar_start)[bar:stop] / ev.GRID
    at_once = sum(limits.voices[group] for group in frame.players)
    worst = np.cumsum(limits.notes_per_quarter * quarters + at_once + 2)
    return min(bar + max(min(int((worst <= spare).sum()), CHUNK_BARS), 1), stop)


def in_bar(writer: Writer, bar: int) -> list[Event]:
    """Events of one of the last bars."""
    late = takewhile(lambda event: event.bar >= bar, reversed(writer.candidates[0].events))
    return [event for event in late if event.bar == bar][::-1]


def expected_rows(guide: cond.Guide, first: int, stop: int) -> int:
    """Rows that bars are likely to take at the most."""
    quarters = np.diff(guide.bar_start)[first:stop] / ev.GRID
    return int(_GENEROUS * (quarters * guide.density[first:stop]).sum()) + 2 * (stop - first)


def turn_page(writer: Writer, guides: Sequence[cond.Guide], bar: int, like: int | None) -> None:
    """Begin the context anew for the section that opens with `bar`: with the bars from `like` on, or with nothing."""
    stop = 0 if like is None else min(next_section(guides[0], like, bar), like + _RECALLED_BARS)
    events = writer.candidates[0].events
    _read(writer, guides, [i for i, e in enumerate(events) if like is not None and like <= e.bar < stop], bar)


def renew(writer: Writer, guides: Sequence[cond.Guide], keep: int) -> None:
    """Read the context anew from a bar line on, so that at most `keep` rows of it remain (or the last bar)."""
    events = writer.candidates[0].events
    lines = [i for i, event in enumerate(events) if event.kind == ev.BAR]
    begin = next((i for i in lines if i >= len(events) - keep), lines[-1])
    _read(writer, guides, range(begin, len(events)), events[begin].bar)


def _read(writer: Writer, guides: Sequence[cond.Guide], chosen: Sequence[int], bar: int) -> None:
    """Let the context be these events (by number); `bar` is where it opens when there are none."""
    candidate = writer.candidates[0]
    bars = [candidate.events[i].bar for i in chosen]
    rows = np.concatenate([opening_row(ev.CONT), *(candidate.rows[i][None] for i in chosen)])
    where = np.array([bars[0] if bars else bar, *bars], dtype=np.int64)
    writer.read([plain_opening(rows, where, guide) for guide in guides])

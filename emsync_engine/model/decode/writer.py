"""Writing rows: several candidates in step, one event at a time, from a context that has been read once.

A writer holds what lives: cache, candidates, random numbers. With guidance every candidate has a second stream that
is not told the guided conditions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Lock
from time import perf_counter, thread_time

import numpy as np
from numpy.typing import NDArray

from emsync_engine.model import conditions as cond
from emsync_engine.model import events as ev
from emsync_engine.model import layouts as lay
from emsync_engine.model.decode.constraints import Rules
from emsync_engine.model.decode.reference import NO_ROOT, Network, RowArray
from emsync_engine.model.decode.sample import Sampling, pick, stream_of
from emsync_engine.model.decode.state import Event, State
from emsync_engine.model.decode.weights import FloatArray
from emsync_engine.model.decode.wishes import Bias

_BLOCK_BARS, _KEPT_BLOCKS = 16, 3
_WATCHED_EVENTS, _CROWDED = 16, 2.0
"""Halves that wait for more than half of the time of so many events go on together."""
OnBar = Callable[[int], None]


@dataclass(frozen=True)
class Told:
    """The condition of some places, one row a grid tick."""

    vectors: FloatArray
    """(ticks, condition_width), what the layers read."""
    coming: FloatArray
    """(ticks, d), what the fields of a row there read."""
    root: NDArray[np.int64]
    """Class of the chord's root."""
    hit: NDArray[np.int64]
    """Class of the next boundary in the bar."""


class Conditions:
    """The condition of every place of a guide, computed by blocks of bars when first asked for."""

    def __init__(self, network: Network, guide: cond.Guide) -> None:
        self._network, self._guide = network, guide
        self._blocks: dict[int, Told] = {}

    def at(self, bar: int, pos: int) -> tuple[Told, int]:
        """The block of a place, and its row there."""
        number = bar // _BLOCK_BARS
        block = self._blocks.get(number)
        if block is None:
            self._blocks.pop(number - _KEPT_BLOCKS, None)
            block = self._blocks[number] = self._encode(number * _BLOCK_BARS)
        begin = self._guide.bar_start[number * _BLOCK_BARS]
        return block, int(self._guide.bar_start[bar] - begin) + pos

    def _encode(self, first: int) -> Told:
        lengths = np.diff(self._guide.bar_start)[first : first + _BLOCK_BARS]
        bar = np.repeat(first + np.arange(len(lengths)), lengths)
        pos = np.arange(len(bar)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        values, categories = cond.encode(self._guide, bar, pos)
        vectors = self._network.condition(values, categories, np.full(len(bar), ev.NOTE))
        root = categories[:, cond.CAT_ROOT].astype(np.int64)
        if not self._network.told:
            root = np.full_like(root, NO_ROOT)
        return Told(vectors, self._network.coming(vectors), root, categories[:, cond.CAT_HIT].astype(np.int64))


@dataclass(frozen=True)
class Page:
    """What a writer starts from, for one set of conditions: rows that are read, and the guide of what is written."""

    opening: lay.Sequence
    guide: cond.Guide


@dataclass(frozen=True)
class Answer:
    """The bars of an infill's hole; rows of plain layout have none."""

    start: int
    stop: int


class Candidate:
    """One of several attempts."""

    def __init__(self, index: int, state: State, rng: np.random.Generator) -> None:
        self.index = index
        self.state = state
        self.rng = rng
        self.events: list[Event] = []
        self.rows: list[RowArray] = []
        """Rows (N_INPUTS,) written, beside `events`."""
        self.hidden: FloatArray = np.zeros((0, 0), dtype=np.float32)
        """Streams after the last row, (sets, d)."""
        self.last: RowArray = np.zeros(0, dtype=np.int16)
        self.waiting = False
        """The next event opens a bar that is not to be written yet."""

    def go_on_from(self, other: Candidate) -> None:
        """Take over what another one has written; the random numbers stay one's own."""
        self.state, self.events, self.rows = other.state.fork(), list(other.events), list(other.rows)
        self.hidden, self.last, self.waiting = other.hidden.copy(), other.last, other.waiting


class Writer:
    """See the module.

    Args:
        pages: with the conditions, and (for guidance) without the guided ones.
        state: where writing starts.
        answer: the hole, in infill layout.
        spare_rows: room in the cache beyond the training context, at most as much again.
    """

    def __init__(
        self,
        network: Network,
        pages: Sequence[Page],
        state: State,
        rules: Rules,
        biases: Sequence[Bias],
        sampling: Sampling,
        seed: int,
        candidates: int,
        answer: Answer | None = None,
        spare_rows: int = 1024,
    ) -> None:
        self.network, self.rules, self.sampling = network, rules, sampling
        self._biases, self._answer = tuple(biases), answer
        self._conditions = [Conditions(network, page.guide) for page in pages]
        self._cache = network.open(len(pages), candidates, network.config.context + spare_rows)
        self._deciding, self._apart = Lock(), False
        self.candidates = [Candidate(i, state.fork(), stream_of(seed, i)) for i in range(candidates)]
        self.read([page.opening for page in pages])

    @property
    def capacity(self) -> int:
        """Rows that the cache holds."""
        return self._cache.capacity

    @property
    def length(self) -> int:
        """Rows of the longest candidate's context."""
        return int(self._cache.place(np.arange(len(self._cache.length))).max())

    def read(self, openings: Sequence[lay.Sequence]) -> None:
        """Begin the context anew with these rows (one sequence a set of conditions), the same for all candidates."""
        self._cache.shared_length[:] = 0
        self._cache.length[:] = 0
        hidden = []
        for number, opening in enumerate(openings):
            kind = opening.rows[:, ev.COL_KIND]
            condition = self.network.condition(opening.values, opening.categories, kind)
            hidden.append(self.network.extend(self._cache, number, opening.rows, condition)[-1])
        for candidate in self.candidates:
            candidate.hidden, candidate.last = np.stack(hidden), openings[0].rows[-1]

    def choose(self, index: int) -> None:
        """Let all candidates go on from one of them."""
        chosen = self.candidates[index]
        self._cache.share([number * len(self.candidates) + index for number in range(len(self._conditions))])
        for candidate in self.candidates:
            if candidate is not chosen:
                candidate.go_on_from(chosen)

    def write(self, until: int, on_bar: OnBar | None = None) -> None:
        """Write on until every candidate has ended or would open bar `until`.

        Several candidates go in two halves, each on a thread of its own: while one half is being read by the network
        (which lets other threads run), the other one decides what comes next. Where others need the processors, taking
        turns costs more than it saves, so all go on together. The notes are the same either way.

        Args:
            on_bar: with a single candidate, told the number of each bar that it has finished.
        """
        half = -(-len(self.candidates) // 2)
        if len(self.candidates) > 1:
            self._apart = True
            with ThreadPoolExecutor(1, "emsync-decode") as pool:
                other = pool.submit(self._write, self.candidates[half:], until)
                try:
                    self._write(self.candidates[:half], until)
                except BaseException:
                    self._apart = False  # Ctrl-C does not wait for the other half
                    raise
            other.result()
        self._write(self.candidates, until, on_bar)

    def _write(self, candidates: Sequence[Candidate], until: int, on_bar: OnBar | None = None) -> None:
        """Write some candidates, all of them or a half that is one of two while these are kept apart."""
        told = self._finished(candidates[0])
        halved = len(candidates) < len(self.candidates)
        began, worked, events = perf_counter(), thread_time(), 0
        while active := [c for c in candidates if not c.state.ended and not self._at(c, until)]:
            if halved and not self._apart:
                return
            with self._deciding:
                going = self._decide(active, until)
            if going:
                self._step(going)
            events += 1
            if halved and events % _WATCHED_EVENTS == 0:
                if perf_counter() - began > _CROWDED * (thread_time() - worked):
                    self._apart = False
                began, worked = perf_counter(), thread_time()
            done = self._finished(candidates[0])
            while on_bar is not None and told < done:
                if told >= candidates[0].state.first:
                    on_bar(told)
                told += 1

    @staticmethod
    def _at(candidate: Candidate, until: int) -> bool:
        return candidate.waiting and candidate.state.bar + 1 >= until

    @staticmethod
    def _finished(candidate: Candidate) -> int:
        """The bar after the last that a candidate has finished."""
        return candidate.state.bar + (candidate.state.ended or candidate.waiting)

    # --- one event ---------------------------------------------------------------------------------------------------

    def _decide(self, active: Sequence[Candidate], until: int) -> list[Candidate]:
        """The coming event of each candidate; those that go on from it."""
        x = np.concatenate([np.stack([c.hidden[number] for c in active]) for number in range(len(self._conditions))])
        times = self._times(x, active)
        for candidate, time in zip(active, times, strict=True):
            candidate.waiting = time == ev.T_BAR and candidate.state.bar + 1 >= until
        notes = [i for i, time in enumerate(times) if time < ev.MAX_BAR_TICKS]
        events = {i: _mark(active[i].state, times[i]) for i in range(len(active)) if i not in notes}
        if notes:
            sets = len(self._conditions)
            rows = np.concatenate([np.array(notes) + number * len(active) for number in range(sets)])
            events |= dict(zip(notes, self._notes(x[rows], [active[i] for i in notes]), strict=True))
        going = []
        for i, candidate in enumerate(active):
            if not candidate.waiting:
                self._enter(candidate, events[i])
                going += [candidate] if not candidate.state.ended else []
        return going

    def _times(self, x: FloatArray, active: Sequence[Candidate]) -> list[int]:
        """The time field of each candidate's coming event."""
        if all(c.waiting for c in active):
            return [ev.T_BAR] * len(active)
        last = np.tile(np.stack([c.last for c in active]), (len(self._conditions), 1))
        found = [
            told.at(c.state.bar, c.state.pos) if c.state.opened else None for told in self._conditions for c in active
        ]
        hit = np.array([cond.HIT_NONE if place is None else place[0].hit[place[1]] for place in found])
        logits = self._guided(self.network.time_logits(x, last, hit, self.sampling.boundary))
        return [ev.T_BAR if c.waiting else self._pick("time", row, c) for c, row in zip(active, logits, strict=True)]

    def _notes(self, x: FloatArray, writing: Sequence[Candidate]) -> list[Event]:
        """Group, pitch, duration and velocity of notes whose time is decided. x (sets * notes, d)."""
        net, sets = self.network, len(self._conditions)
        places = [(c.state.bar, c.state.draft.time) for c in writing]
        found = [conditions.at(*place) for conditions in self._conditions for place in places]
        coming, root = np.stack([told.coming[i] for told, i in found]), np.array([told.root[i] for told, i in found])
        last = np.tile(np.stack([c.last for c in writing]), (sets, 1))
        x = net.know_time(x, np.tile([c.state.draft.time for c in writing], sets), last, coming)
        group = self._field("group", net.group_logits(x), writing)
        of_group = np.tile(np.array([c.state.last[g] for c, g in zip(writing, group)]), (sets, 1))
        x = net.know_group(x, np.tile(group, sets), of_group)
        pitch = self._field("pitch", net.pitch_logits(x, of_group[:, 0], root), writing)
        x = net.know_pitch(x, np.tile(group, sets), np.tile(pitch, sets), of_group[:, 0])
        pitched = [g != ev.DRUMS for g in group]
        duration = (
            self._field("duration", net.duration_logits(x), writing, pitched) if any(pitched) else [0] * len(group)
        )
        x = net.know_duration(x, np.tile(np.where(pitched, duration, ev.N_DURATIONS), sets))
        velocity = self._field("velocity", net.velocity_logits(x), writing)
        fields = zip(places, group, pitch, duration, velocity, strict=True)
        return [Event(ev.NOTE, bar, pos, g, p, d, v) for (bar, pos), g, p, d, v in fields]

    def _field(
        self, field: str, logits: FloatArray, writing: Sequence[Candidate], asked: Sequence[bool] | None = None
    ) -> list[int]:
        """One class a candidate; 0 for those that are not asked, which draw no random number."""
        rows = zip(writing, self._guided(logits), asked or [True] * len(writing), strict=True)
        return [self._pick(field, row, c) if wanted else 0 for c, row, wanted in rows]

    def _guided(self, logits: FloatArray) -> FloatArray:
        """Logits (sets * n, classes) -> (n, classes)."""
        if len(self._conditions) == 1:
            return logits
        told, untold = np.split(logits, 2)
        return np.asarray(untold + np.float32(self.sampling.guidance) * (told - untold))

    def _pick(self, field: str, logits: FloatArray, candidate: Candidate) -> int:
        state = candidate.state
        for wish in self._biases:
            bias = wish.bias(field, state)
            if bias is not None:
                logits = logits + bias
        chosen = pick(logits, self.rules.allow(field, state), self.sampling, candidate.rng)
        state.draft.decide(field, chosen)
        return chosen

    def _enter(self, candidate: Candidate, event: Event) -> None:
        state = candidate.state
        row = np.zeros(lay.N_INPUTS, dtype=np.int16)
        before = state.last[event.group] if event.kind == ev.NOTE else (lay.NO_PITCH, lay.NO_DUR, lay.NO_VEL)
        length = 0 if event.kind == ev.END else state.frame.bar_length(event.bar)
        row[: ev.N_COLUMNS] = (
            event.kind, event.pos, event.group, event.pitch, event.duration, event.velocity, length,
        )  # fmt: skip
        row[lay.COL_LAST_PITCH], row[lay.COL_LAST_DUR], row[lay.COL_LAST_VEL] = before
        if self._answer is not None:
            row[lay.COL_ROLE] = lay.ANSWER
            row[lay.COL_RELBAR] = lay.relative_bar(np.array(event.bar - self._answer.start))
            row[lay.COL_REMAIN] = min(max(self._answer.stop - event.bar, 1), lay.REMAIN_CLASSES - 1)
        candidate.events.append(event)
        candidate.rows.append(row)
        candidate.last = row
        state.step(event)

    def _step(self, going: Sequence[Candidate]) -> None:
        """Read the rows just written."""
        sets, every = len(self._conditions), len(self.candidates)
        streams = [number * every + c.index for number in range(sets) for c in going]
        places = [(c.state.bar, c.state.pos) for c in going]
        found = [conditions.at(*place) for conditions in self._conditions for place in places]
        condition = np.stack([told.vectors[i] for told, i in found])
        rows = np.tile(np.stack([c.last for c in going]), (sets, 1))
        hidden = self.network.step(self._cache, streams, rows, condition).reshape(sets, len(going), -1)
        for i, candidate in enumerate(going):
            candidate.hidden = hidden[:, i]


def _mark(state: State, time: int) -> Event:
    """The event that opens the next bar or ends the piece."""
    if time == ev.T_END:
        return Event(ev.END, state.bar)
    return Event(ev.BAR, state.bar + 1)

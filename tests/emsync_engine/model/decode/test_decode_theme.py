"""The theme comes where it should, note for note, and sections begin on a new page."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from decode_music import RandomNetwork, network, random_sheet

from benchmarks.edits import random_edit, wandering_mood
from emsync_engine.model import events as ev
from emsync_engine.model.decode import draft
from emsync_engine.model.decode.compose import compose, returns_of
from emsync_engine.model.decode.draft import Decoding
from emsync_engine.model.decode.reference import Cache, RowArray
from emsync_engine.model.decode.staging import Stage, to_grid
from emsync_engine.model.decode.weights import FloatArray
from emsync_engine.rules.harmony import plan_chords
from emsync_engine.score import Score
from emsync_engine.spotting import CueSheet, spot


def a_minute(seed: int = 2) -> CueSheet:
    return spot(random_edit(seed, 60.0), wandering_mood(seed, 60.0))


def statements(score: Score) -> list[tuple[tuple[int, int], ...]]:
    """(onset, interval from the first note) of what the part that states the theme plays in each of its bars."""
    found = []
    for tick in score.metadata["motif_ticks"]:
        bar = next(b for b in score.bars if b.tick == tick)
        rows = [[n for n in p.notes if tick <= n.tick < min(bar.end, tick + 3840)] for p in score.parts[2:]]
        lines = [row for row in rows if len({n.tick for n in row}) == len(row) >= 4]
        found.append([tuple((n.tick - tick, n.pitch - row[0].pitch) for n in row) for row in lines])
    return [shape for shapes in found for shape in shapes]


def test_the_theme_is_stated_alike_in_every_section() -> None:
    score = compose(a_minute(), 4, RandomNetwork(3), Decoding(candidates=1))
    ticks = score.metadata["motif_ticks"]
    assert len(ticks) >= 3 and {s.tick for s in score.sections} & set(ticks)
    heard = statements(score)
    assert max(heard.count(shape) for shape in set(heard)) >= len(ticks) - 1
    assert score.metadata["fallbacks"] == 0


def test_without_the_theme_nothing_is_given() -> None:
    score = compose(a_minute(), 4, RandomNetwork(3), Decoding(candidates=1, theme=False))
    assert score.metadata["motif_ticks"] == []


@pytest.mark.parametrize("seed", range(20))
def test_the_theme_never_stands_in_the_way(seed: int) -> None:
    """Whatever the sheet: hits are struck and no rule has to give way because of it."""
    score = compose(random_sheet(seed), seed, RandomNetwork(seed), Decoding(candidates=1))
    plain = compose(random_sheet(seed), seed, RandomNetwork(seed), Decoding(candidates=1, theme=False))
    assert score.metadata["fallbacks"] <= plain.metadata["fallbacks"]
    assert score.metadata["repaired_hits"] <= plain.metadata["repaired_hits"]


def test_a_section_that_returns_is_read_after_its_first_time() -> None:
    sheet = a_minute()
    roles = [("a", "b", "a", "b", "c")[i % 5] for i in range(len(sheet.sections))]
    sheet = replace(sheet, sections=tuple(replace(s, role=r) for s, r in zip(sheet.sections, roles, strict=True)))
    stage = Stage(sheet, plan_chords(sheet, [1] * len(sheet.sections)))
    bars = [int(np.searchsorted(stage.bar_start, to_grid(s.tick))) for s in sheet.sections]
    assert len(bars) >= 4
    assert returns_of(stage) == {bars[2]: bars[0], bars[3]: bars[1]} | ({bars[5]: bars[0]} if len(bars) > 5 else {}) | (
        {bars[6]: bars[1]} if len(bars) > 6 else {}
    )


class Reading(RandomNetwork):
    """Remembers the rows of every context that it reads."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self.contexts: list[RowArray] = []

    def extend(self, cache: Cache, beginning: int, rows: RowArray, condition: FloatArray) -> FloatArray:
        self.contexts.append(rows)
        return super().extend(cache, beginning, rows, condition)


def test_a_new_section_is_not_read_after_the_one_before() -> None:
    sheet = a_minute()
    sections = tuple(replace(s, role=chr(ord("a") + i)) for i, s in enumerate(sheet.sections))
    reading = Reading(1)
    compose(replace(sheet, sections=sections), 1, reading, Decoding(candidates=1))
    alone = [rows for rows in reading.contexts[1:] if len(rows) == 1]
    assert len(alone) == len(sections) - 1
    assert all(rows[0, ev.COL_KIND] == ev.CONT for rows in alone)
    again = Reading(1)
    compose(replace(sheet, sections=tuple(replace(s, role="a") for s in sections)), 1, again, Decoding(candidates=1))
    bars = [(rows[:, ev.COL_KIND] == ev.BAR).sum() for rows in again.contexts[1:]]  # of returns, and of renewals
    assert sum(0 < n <= draft._RECALLED_BARS for n in bars) >= len(sections) - 1


def test_a_trained_kind_of_network_keeps_its_promises_too() -> None:
    score = compose(a_minute(1), 9, network(), Decoding(candidates=2))
    assert score.metadata["fallbacks"] == 0 and score.metadata["repaired_hits"] == 0

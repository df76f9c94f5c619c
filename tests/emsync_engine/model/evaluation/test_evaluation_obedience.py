"""Obedience and sync: measures that move the right way on music made for it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from evaluation_music import midi_bytes, tiny

from emsync_engine.model.decode.draft import Decoding
from emsync_engine.model.decode.fast import network_of
from emsync_engine.model.evaluation import cues, obedience, sync
from emsync_engine.model.evaluation.request import Request, System
from emsync_engine.model.midi_files import read_piece

MAJOR, MINOR = (60, 64, 67), (60, 63, 67)


def chords(triad: tuple[int, ...], step: int = 480, velocity: int = 80, count: int = 32) -> dict[str, float]:
    """Measures of a triad struck again and again."""
    notes = [(0, i * step, step, pitch, velocity) for i in range(count * 480 // step) for pitch in triad]
    return obedience.measures_of(read_piece(midi_bytes(notes)))


def test_denser_and_louder_music_measures_more_arousal() -> None:
    calm, wild = chords(MAJOR, 480, 50), chords(MAJOR, 120, 110)
    assert wild["onsets"] > calm["onsets"]
    assert wild["places"] > calm["places"]
    assert wild["velocity"] > calm["velocity"]


def test_the_tempo_is_not_counted() -> None:
    notes = [(0, i * 240, 240, 60, 80) for i in range(40)]
    piece = read_piece(midi_bytes(notes))
    slow = replace(piece, bar_seconds=piece.bar_seconds * 2)
    assert obedience.measures_of(piece) == obedience.measures_of(slow)


def test_major_chords_measure_major() -> None:
    major, minor = chords(MAJOR), chords(MINOR)
    assert major["major_share"] == 1
    assert minor["major_share"] == 0
    assert major["mode"] > minor["mode"]


def test_music_that_does_as_asked_correlates_fully_and_the_opposite_fully_not() -> None:
    def cue(level: float, sign: float) -> obedience.Cue:
        value = sign * level
        return obedience.Cue(level, level, dict.fromkeys((*obedience.AROUSAL, *obedience.VALENCE), value))

    obeyed = obedience.correlations([cue(level, 1) for level in obedience.LEVELS])
    defied = obedience.correlations([cue(level, -1) for level in obedience.LEVELS])
    assert obeyed["arousal"] == obeyed["felt_valence"] == 1
    assert defied["arousal"] == defied["felt_valence"] == -1


def test_hits_on_and_off_the_bar_lines_are_told_apart() -> None:
    sheet = sync.announced(1, 45.0)
    lines = {bar.tick for bar in sheet.bars}
    found = sync.marks([], sheet)
    on, off = (found[place].hits.of for place in sync.PLACES)
    assert on > 0
    assert off > 0
    inside = [h for h in sheet.hits if h.tick not in lines]
    assert all(h.tick % sync.EIGHTH == 0 and h.time == sheet.tempo_map.seconds(h.tick) for h in inside)


def test_accents_at_the_hits_are_met_and_those_elsewhere_are_not() -> None:
    sheet = sync.announced(1, 45.0)
    exact = sync.marks([float(h.time) for h in sheet.hits], sheet)
    for place in sync.PLACES:
        assert exact[place].hits.share == 1
        assert exact[place].elsewhere.share < 0.2
    late = sync.marks([float(h.time) + 0.2 for h in sheet.hits], sheet)
    assert all(late[place].hits.share == 0 for place in sync.PLACES)


@pytest.mark.parametrize(("offset_s", "met"), [(-0.05, 0), (-0.04, 1), (0.0, 1), (0.08, 1), (0.09, 0)])
def test_a_sound_may_be_a_frame_early_and_two_late(offset_s: float, met: int) -> None:
    assert sync.counted([10.0 + offset_s], [10.0]) == sync.Met(met, 1)


def test_forced_hits_are_all_met_by_any_network() -> None:
    weights = tiny()
    system = System("tiny", network_of(weights, "reference"), Decoding(candidates=1))
    found = sync.play(system, 1, 14.0, Request(weights))
    assert sum(marks.hits.of for marks in found.values()) > 0
    assert all(marks.hits.met == marks.hits.of for marks in found.values())


def test_the_same_seed_makes_the_same_edit() -> None:
    assert cues.edit(5, 30.0) == cues.edit(5, 30.0)
    assert cues.edit(5, 30.0) != cues.edit(6, 30.0)
    assert np.array_equal(cues.wandering(5, 30.0).arousal, cues.wandering(5, 30.0).arousal)

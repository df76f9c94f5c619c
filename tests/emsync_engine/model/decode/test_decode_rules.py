"""Whatever the network says, what is decoded parses, keeps every rule, meets every hit and ends on time."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from decode_music import RandomNetwork, random_sheet

from emsync_engine.measure import CRASHES, KICKS, accent_ticks
from emsync_engine.model import events as ev
from emsync_engine.model.decode import draft, staging
from emsync_engine.model.decode.compose import compose
from emsync_engine.model.decode.draft import Decoding
from emsync_engine.model.decode.ensemble import groups_of
from emsync_engine.model.decode.frame import Frame, is_complete
from emsync_engine.model.decode.sample import Sampling
from emsync_engine.model.decode.staging import GRID_TICKS, Stage
from emsync_engine.model.decode.state import Event
from emsync_engine.model.decode.wishes import Wishes
from emsync_engine.rules.harmony import plan_chords
from emsync_engine.score import Score
from emsync_engine.spotting.cuesheet import CueSheet

FREE = Sampling(temperature=1.0, min_p=0.0)
NONE = Wishes(0, 0, 0, 0, 0)


def decode(seed: int) -> tuple[Stage, Frame, draft.Written]:
    """A random cue written by a network that says anything."""
    sheet = random_sheet(seed)
    stage = Stage(sheet, plan_chords(sheet, [seed] * len(sheet.sections)))
    frame = staging.frame_of(stage)
    network = RandomNetwork(seed, sharpness=(0.0, 1.0, 4.0, 12.0)[seed % 4])
    decoding = Decoding(FREE, candidates=1 + seed % 3 // 2, wishes=NONE)
    guide = staging.guide_of(stage, groups_of(stage.parts))
    return stage, frame, draft.write_cue(network, frame, guide, stage.stop_bar, decoding, seed, lambda *_: None)


def check(stage: Stage, frame: Frame, written: draft.Written) -> None:
    assert written.fallbacks == 0
    events = written.events
    check_order(events, frame, stage.stop_bar)
    check_band(events, frame)
    check_sounding(events, frame)
    check_strikes(events, frame)
    check_close(events, stage, frame)


def check_order(events: tuple[Event, ...], frame: Frame, stop: int) -> None:
    """Every bar once and in order, then the end; notes inside their bars, by place, group and pitch."""
    assert [e.bar for e in events if e.kind == ev.BAR] == list(range(stop))
    assert events[-1].kind == ev.END and sum(e.kind == ev.END for e in events) == 1
    for a, b in pairwise(events):
        if b.kind == ev.NOTE:
            assert a.bar == b.bar and 0 <= b.pos < frame.bar_length(b.bar)
            if a.kind == ev.NOTE:
                assert (a.pos, a.group, a.pitch) < (b.pos, b.group, b.pitch)


def at(event: Event, frame: Frame) -> int:
    return int(frame.bar_start[event.bar]) + event.pos


def notes(events: tuple[Event, ...]) -> list[Event]:
    return [e for e in events if e.kind == ev.NOTE]


def check_band(events: tuple[Event, ...], frame: Frame) -> None:
    """Nobody plays who may not, out of range, or outside the chord where only the chord may begin."""
    for note in notes(events):
        tick = at(note, frame)
        assert frame.may_begin[tick, note.group]
        low, high = frame.limits.ranges[note.group]
        assert low <= note.pitch <= high
        if note.group != ev.DRUMS:
            assert frame.pitches(note.group, tick)[note.pitch]
            if frame.firm[tick] and tick not in frame.strikes:
                assert frame.tones[tick, note.pitch % 12]
    for bar in range(frame.n_bars):
        count = sum(note.bar == bar for note in notes(events))
        most = sum(frame.limits.voices.values())
        assert count <= frame.limits.notes_per_quarter * frame.bar_length(bar) / ev.GRID + most


def check_sounding(events: tuple[Event, ...], frame: Frame) -> None:
    """Never more voices than a group has; no pitch again while it sounds (but for the grace of rounding)."""
    for group in range(ev.DRUMS + 1, ev.N_GROUPS):
        sounding: dict[int, int] = {}
        for note in (n for n in notes(events) if n.group == group):
            tick = at(note, frame)
            alone = frame.limits.voices[group] == 1
            sounding = {p: end for p, end in sounding.items() if end > tick and not (alone and end < 10**6)}
            assert sounding.get(note.pitch, 0) <= tick + 3
            end = min(tick + int(ev.DURATION_BINS[note.duration]), int(frame.must_end[tick]))
            sounding[note.pitch] = end
            assert alone or len(sounding) <= frame.voices(group, tick)
    begun: dict[tuple[int, int], int] = {}
    for note in notes(events):
        begun[at(note, frame), note.group] = begun.get((at(note, frame), note.group), 0) + 1
    assert all(count <= frame.voices(group, tick) for (tick, group), count in begun.items())


def check_strikes(events: tuple[Event, ...], frame: Frame) -> None:
    """Every strike is made."""
    for tick, strike in frame.strikes.items():
        here = [(n.group, n.pitch) for n in notes(events) if at(n, frame) == tick]
        assert is_complete(strike, here), (tick, strike, here)


def check_close(events: tuple[Event, ...], stage: Stage, frame: Frame) -> None:
    """After the closing chord only hits sound; the chord is held as long as durations go; nothing starts late."""
    for note in notes(events):
        tick = at(note, frame)
        assert tick < stage.end
        assert tick <= stage.final or tick in stage.hits
        if tick == stage.final and note.group != ev.DRUMS:
            reach = ev.DURATION_BINS[note.duration]
            assert reach >= frame.must_end[tick] - tick or note.duration == ev.N_DURATIONS - 1
            if strike := frame.strikes.get(tick):
                assert (
                    strike.root is None
                    or min(n.pitch for n in notes(events) if at(n, frame) == tick and n.group != ev.DRUMS) % 12
                    == strike.root
                )


@pytest.mark.parametrize("block", range(6))
def test_random_decodes_keep_every_rule(block: int) -> None:
    for seed in range(20 * block, 20 * (block + 1)):
        check(*decode(seed))


@pytest.mark.slow
@pytest.mark.parametrize("block", range(10))
def test_many_random_decodes_keep_every_rule(block: int) -> None:
    for seed in range(1000 + 100 * block, 1000 + 100 * (block + 1)):
        check(*decode(seed))


def heard_hits(score: Score, sheet: CueSheet) -> list[bool]:
    """Whether each hit outside silences has its accent, as `measure` reads it."""
    accents = set(accent_ticks(score))
    quiet = [any(a <= h.tick < b for a, b in sheet.silences) or h.tick >= sheet.end_tick for h in sheet.hits]
    return [h.tick in accents for h, silent in zip(sheet.hits, quiet) if not silent]


@pytest.mark.parametrize("seed", range(40))
def test_scores_meet_their_hits_and_end_with_the_picture(seed: int) -> None:
    sheet = random_sheet(seed)
    score = compose(sheet, seed, RandomNetwork(seed), Decoding(FREE))
    assert score.metadata["repaired_hits"] == 0
    assert all(heard_hits(score, sheet))
    sounded = [n for part in score.parts for n in part.notes]
    assert all(0 <= n.tick < n.end <= sheet.end_tick and 1 <= n.velocity <= 127 for n in sounded)
    assert all(not (a < n.end and n.tick < b) for n in sounded for a, b in sheet.silences)
    for part in score.parts:
        ends: dict[int, int] = {}
        for note in sorted(part.notes):
            assert ends.get(note.pitch, 0) <= note.tick
            ends[note.pitch] = note.end
    closing = [n for p in score.parts if not p.is_drums for n in p.notes if n.tick == sheet.final_tick]
    quiet = [a for a, _ in sheet.silences if a > sheet.final_tick]
    assert all(n.end == min([sheet.end_tick, *quiet]) or _struck_again(score, n.end) for n in closing)


def _struck_again(score: Score, tick: int) -> bool:
    return any(h.tick == tick for h in score.hits)


def test_hits_off_the_bar_lines_are_met_to_the_tick() -> None:
    from emsync_engine.score import ScoreHit

    sheet = random_sheet(11, longest=9)
    tick = sheet.bars[1].tick + 1234
    assert tick < sheet.final_tick
    sheet = replace(sheet, hits=(ScoreHit(tick, sheet.tempo_map.seconds(tick)),), silences=())
    score = compose(sheet, 1, RandomNetwork(1), Decoding(FREE))
    assert tick in accent_ticks(score)


def test_kicks_and_crashes_are_those_that_measuring_knows() -> None:
    from emsync_engine.model.decode.frame import KICK_OR_CRASH

    assert set(KICK_OR_CRASH) == {*KICKS, *CRASHES}


def test_a_frame_that_allows_nothing_is_left_by_grammar_alone() -> None:
    """A strike that nobody can make: decoding still parses and ends, and says how often it had to give way."""
    stage, frame, _ = decode(3)
    may = np.zeros_like(frame.may_begin)
    broken = replace(frame, may_begin=may)
    guide = staging.guide_of(stage, groups_of(stage.parts))
    written = draft.write_cue(RandomNetwork(5), broken, guide, stage.stop_bar, Decoding(FREE), 1, lambda *_: None)
    assert written.fallbacks > 0
    check_order(written.events, frame, stage.stop_bar)


def test_grid_ticks_divide_score_ticks() -> None:
    assert GRID_TICKS * ev.GRID == 960

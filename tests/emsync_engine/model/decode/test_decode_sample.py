"""Choosing classes, wishes and the judge."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from decode_music import RandomNetwork, random_sheet
from hypothesis import given
from hypothesis import strategies as st

from emsync_engine.model import conditions as cond
from emsync_engine.model import events as ev
from emsync_engine.model.decode import staging
from emsync_engine.model.decode.frame import Frame
from emsync_engine.model.decode.judge import Judge
from emsync_engine.model.decode.sample import Sampling, guide_without, pick, probabilities, stream_of
from emsync_engine.model.decode.staging import Stage
from emsync_engine.model.decode.state import Draft, Event, State
from emsync_engine.model.decode.wishes import Echo, Wishes
from emsync_engine.rules.harmony import plan_chords

LOGITS = np.array([2.0, 1.0, 0.0, -1.0, 5.0], dtype=np.float32)
ALLOWED = np.array([True, True, True, True, False])


@given(st.integers(0, 10**6), st.floats(0.2, 3), st.floats(0, 0.9), st.floats(0.1, 1))
def test_nothing_forbidden_is_ever_picked(seed: int, temperature: float, min_p: float, top_p: float) -> None:
    rng = np.random.default_rng(seed)
    allowed = rng.random(40) < 0.2
    allowed[int(rng.integers(40))] = True
    logits = rng.standard_normal(40) * 20
    sampling = Sampling(temperature, min_p, top_p)
    shares = np.zeros(40)
    shares[allowed] = probabilities(logits[allowed], sampling)
    assert shares.sum() == pytest.approx(1)
    assert shares.argmax() == np.where(allowed, logits, -np.inf).argmax()
    assert shares[pick(logits, allowed, sampling, rng)] > 0


def test_without_cuts_probabilities_are_the_softmax() -> None:
    shares = probabilities(LOGITS[ALLOWED], Sampling(1.0, 0.0, 1.0))
    weights = np.exp(LOGITS[:4])
    np.testing.assert_allclose(shares, weights / weights.sum(), rtol=1e-6)


def test_temperature_sharpens_and_cuts_cut() -> None:
    cold = probabilities(LOGITS[ALLOWED], Sampling(0.5, 0.0))
    assert cold[0] > probabilities(LOGITS[ALLOWED], Sampling(1.0, 0.0))[0]
    assert (probabilities(LOGITS[ALLOWED], Sampling(1.0, 0.2)) > 0).tolist() == [True, True, False, False]
    assert (probabilities(LOGITS[ALLOWED], Sampling(1.0, 0.0, 0.6)) > 0).tolist() == [True, False, False, False]
    assert (probabilities(LOGITS[ALLOWED], Sampling(1.0, 0.0, 0.7)) > 0).tolist() == [True, True, False, False]


@pytest.mark.parametrize("values", [(0.0, 0.0, 1.0), (1.0, 1.0, 1.0), (1.0, 0.1, 0.0), (1.0, 0.1, 1.1)])
def test_senseless_sampling_is_refused(values: tuple[float, float, float]) -> None:
    with pytest.raises(ValueError, match="temperature"):
        Sampling(*values)


def test_draws_follow_their_probabilities() -> None:
    rng = stream_of(5, 0)
    counts = np.bincount([pick(LOGITS, ALLOWED, Sampling(1.0, 0.0), rng) for _ in range(4000)], minlength=5) / 4000
    assert not counts[4]
    np.testing.assert_allclose(counts[:4], probabilities(LOGITS[ALLOWED], Sampling(1.0, 0.0)), atol=0.03)


def test_streams_are_fixed_for_all_time_and_apart() -> None:
    """Philox is specified bit for bit: these numbers are the same on every platform and release."""
    assert stream_of(1, 0).random(3).tolist() == stream_of(1, 0).random(3).tolist()
    firsts = {float(stream_of(seed, candidate).random()) for seed in range(5) for candidate in range(5)}
    assert len(firsts) == 25
    assert stream_of(2, 3).integers(0, 1000, 4).tolist() == FIXED


FIXED = [589, 761, 102, 991]


def stage_of(seed: int) -> tuple[Stage, Frame, cond.Guide]:
    sheet = random_sheet(seed)
    stage = Stage(sheet, plan_chords(sheet, [1] * len(sheet.sections)))
    return stage, staging.frame_of(stage), staging.guide_of(stage, range(5))


def some_state(frame: Frame) -> State:
    state = State(frame, 0, frame.n_bars)
    state.step(Event(ev.BAR, 0))
    return state


def bias(wishes: Wishes, guide: cond.Guide, field: str, state: State) -> np.ndarray:
    found = [b for wish in wishes.under(guide) if (b := wish.bias(field, state)) is not None]
    return np.sum(found, axis=0) if found else np.zeros(1)


def test_notes_outside_the_scale_are_wished_away_but_not_where_it_is_agitated() -> None:
    _, frame, guide = stage_of(2)
    state = some_state(frame)
    state.draft = Draft(time=0, group=ev.PIANO)
    calm = replace(guide, arousal=np.zeros_like(guide.arousal))
    wild = replace(guide, arousal=np.ones_like(guide.arousal))
    outside = np.tile(~frame.scale[0], 11)[:128]
    tones = np.tile(frame.tones[0], 11)[:128]
    wish = bias(Wishes(), calm, "pitch", state)
    assert (wish[outside] == -3).all() and (wish[tones] > 0).all()
    assert not bias(Wishes(), wild, "pitch", state).any()
    state.draft = Draft(time=0, group=ev.DRUMS)
    assert not bias(Wishes(), calm, "pitch", state).any()


def test_level_and_pace_lean_against_what_was_played() -> None:
    _, frame, guide = stage_of(2)
    guide = replace(guide, arousal=np.zeros_like(guide.arousal), density=np.full_like(guide.density, 2.0))
    loud, quiet = some_state(frame), some_state(frame)
    for pos in range(12):
        loud.step(Event(ev.NOTE, 0, pos, ev.PIANO, 60, 0, 7))
    quiet.step(Event(ev.NOTE, 0, 0, ev.PIANO, 60, 0, 1))
    assert (np.diff(bias(Wishes(), guide, "velocity", loud)) < 0).all()
    assert (np.diff(bias(Wishes(), guide, "velocity", quiet)) > 0).all()
    later = bias(Wishes(), guide, "time", loud)
    assert later[12] > later[11] and later[ev.T_BAR] >= later[12]
    quiet.step(Event(ev.NOTE, 0, frame.bar_length(0) - 1, ev.PIANO, 60, 0, 1))
    sparse = replace(guide, density=np.full_like(guide.density, 30.0))
    assert bias(Wishes(), sparse, "time", quiet)[ev.T_BAR] <= 0


def test_a_part_that_has_not_played_is_missed() -> None:
    stage, frame, guide = stage_of(5)
    playing = np.flatnonzero(frame.playing)
    assert len(playing) > 1
    state = some_state(frame)
    for pos in range(24):
        state.step(Event(ev.NOTE, 0, pos, int(playing[0]), 60, 0, 4))
    wish = bias(Wishes(), guide, "group", replace_draft(state, 23))
    assert (wish[playing[1:]] > wish[playing[0]]).all()
    assert stage.stop_bar > 0


def replace_draft(state: State, time: int) -> State:
    state.draft = Draft(time=time)
    return state


def test_no_wish_is_no_bias() -> None:
    _, _, guide = stage_of(2)
    assert Wishes(0, 0, 0, 0, 0, 0).under(guide) == ()


def test_channels_can_be_left_out_of_a_guide() -> None:
    _, _, guide = stage_of(2)
    without = guide_without(guide)
    gone = {c for c, a, b in zip(cond.CHANNELS, guide.known, without.known) if a and not b}
    assert gone == {"valence", "arousal", "boundary", "density"}


# --- the judge -----------------------------------------------------------------------------------------------


def judged(seed: int, notes: list[Event]) -> float:
    _, frame, guide = stage_of(seed)
    return Judge(frame, guide).penalties(notes, 0, frame.n_bars).total


def even_notes(frame: Frame, guide: cond.Guide, seed: int = 0) -> list[Event]:
    """As many notes as are wanted, of all who play, in the scale, at the level aimed at."""
    rng = np.random.default_rng(seed)
    found = []
    for bar in range(frame.n_bars):
        begin, length = int(frame.bar_start[bar]), frame.bar_length(bar)
        for _ in range(round(float(guide.density[bar]) * length / 12)):
            pos = int(rng.integers(length))
            groups = np.flatnonzero(frame.may_begin[begin + pos])
            if len(groups):
                classes = np.flatnonzero(frame.scale[begin + pos])
                pitch = 60 + int(rng.choice(classes))
                level = round(4.6 + 1.2 * float(guide.arousal[bar]))
                found.append(Event(ev.NOTE, bar, pos, int(rng.choice(groups)), pitch, 4, level))
    return found


@pytest.mark.parametrize("seed", [8, 21, 24])
def test_every_fault_costs(seed: int) -> None:
    _, frame, guide = stage_of(seed)
    judge = Judge(frame, guide)
    good = even_notes(frame, guide)
    fine = judge.penalties(good, 0, frame.n_bars)
    soft = judge.penalties([replace(n, velocity=0) for n in good], 0, frame.n_bars)
    assert soft.loudness > fine.loudness and soft.total > fine.total
    silent = judge.penalties([n for n in good if n.bar != good[0].bar], 0, frame.n_bars)
    assert silent.silence > fine.silence
    lonely = judge.penalties([replace(n, group=good[0].group) for n in good], 0, frame.n_bars)
    assert lonely.absence >= fine.absence
    crowded = judge.penalties(sorted(good * 4, key=lambda n: n.bar), 0, frame.n_bars)
    assert crowded.density > fine.density and crowded.storms > fine.storms
    strange = judge.penalties([replace(n, group=ev.PIANO, pitch=60 + n.pitch % 7) for n in good], 0, frame.n_bars)
    assert strange.outside > fine.outside
    first = [n for n in good if n.bar == good[0].bar]
    same = [replace(n, bar=bar) for bar in range(frame.n_bars) for n in first if n.pos < frame.bar_length(bar)]
    assert judge.penalties(same, 0, frame.n_bars).repetition >= fine.repetition
    old = frozenset((int(frame.bar_start[n.bar]) + n.pos, n.group, n.pitch) for n in good)
    assert replace(judge, replaced=old).penalties(good, 0, frame.n_bars).copied == pytest.approx(0.25)
    assert judge.penalties(good, 0, frame.n_bars, seam=3.0).total == pytest.approx(fine.total + 0.9)


def test_nothing_at_all_is_judged_without_complaint() -> None:
    _, frame, guide = stage_of(8)
    assert Judge(frame, guide).penalties([], 0, frame.n_bars).silence == 1
    assert RandomNetwork(1).told


def echo(state: State, field: str, section: np.ndarray) -> np.ndarray:
    found = Echo(2.0, section).bias(field, state)
    return np.zeros(0, dtype=np.int64) if found is None else np.flatnonzero(found)


def test_a_pattern_is_echoed_place_by_place_and_group_by_group() -> None:
    frame = echo_frame(["C", "C"])
    state, section = some_state(frame), np.array([1, 0], dtype=np.uint8)
    for pos, group, pitch in ((0, ev.DRUMS, 36), (0, ev.PIANO, 60), (24, ev.DRUMS, 38)):
        state.step(Event(ev.NOTE, 0, pos, group, pitch, 0, 4))
    assert echo(state, "time", section).size == 0, "there is nothing before the first bar"
    state.step(Event(ev.BAR, 1))
    assert echo(state, "time", section).tolist() == [0]
    state.draft = Draft(time=0)
    assert echo(state, "group", section).tolist() == [ev.DRUMS, ev.PIANO]
    state.draft = Draft(time=0, group=ev.PIANO)
    assert echo(state, "pitch", section).tolist() == [60]
    state.step(Event(ev.NOTE, 1, 0, ev.DRUMS, 36, 0, 4))
    assert echo(state, "time", section).tolist() == [0], "the piano is still to come"
    state.draft = Draft(time=0)
    assert echo(state, "group", section).tolist() == [ev.PIANO]
    state.step(Event(ev.NOTE, 1, 0, ev.PIANO, 60, 0, 4))
    assert echo(state, "time", section).tolist() == [24]
    state.step(Event(ev.NOTE, 1, 24, ev.DRUMS, 38, 0, 4))
    assert echo(state, "time", section).tolist() == [ev.T_BAR]


def test_the_last_bar_with_the_same_chord_is_echoed_else_the_rhythm_of_the_bar_before() -> None:
    frame = echo_frame(["C", "F", "C", "G"])
    state, section = some_state(frame), np.array([1, 0, 0, 0], dtype=np.uint8)
    state.step(Event(ev.NOTE, 0, 3, ev.PIANO, 60, 0, 4))
    for bar, pos in ((1, 5), (2, 7)):
        state.step(Event(ev.BAR, bar))
        assert echo(state, "time", section).tolist() == [3]
        state.step(Event(ev.NOTE, bar, pos, ev.PIANO, 65, 0, 4))
    state.step(Event(ev.BAR, 3))
    assert echo(state, "time", section).tolist() == [7]
    state.draft = Draft(time=7, group=ev.PIANO)
    assert echo(state, "pitch", section).size == 0, "another chord has other notes"
    assert echo(state, "time", np.ones(4, dtype=np.uint8)).size == 0, "a new section does not go on with the old"


def echo_frame(chords: list[str]) -> Frame:
    """Bars of four quarters, one chord each."""
    _, frame, _ = stage_of(2)
    n = len(chords)
    tones = np.zeros((n * 48, 12), dtype=bool)
    for bar, name in enumerate(chords):
        tones[bar * 48 : (bar + 1) * 48, [("CDEFGAB".index(name) * 2 + step) % 12 for step in (0, 4, 7)]] = True
    return replace(frame, bar_start=np.arange(n + 1) * 48, tones=tones, must_end=np.full(n * 48, n * 48))

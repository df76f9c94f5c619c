"""Features of frames, of sound and of the cutting."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from emsync_engine.mood import listen as hearing
from emsync_engine.mood.evidence import Reference, covered, on_grid, score
from emsync_engine.mood.listen import HOPS_A_SECOND, Programme, band_power, joined, media_span
from emsync_engine.mood.look import HEIGHT, WIDTH, bars_of, change_between, look_of, luma_of
from emsync_engine.mood.media import AUDIO_RATE
from emsync_engine.mood.pace import log_cut_rate
from emsync_engine.picture import SoundClip


def flat(red: int, green: int, blue: int) -> np.ndarray:
    return np.full((HEIGHT, WIDTH, 3), (red, green, blue), dtype=np.uint8)


@pytest.mark.parametrize(
    ("color", "brightness", "saturation", "warmth", "dark"),
    [
        ((0, 0, 0), 0, 0, 0, 1),
        ((255, 255, 255), 1, 0, 0, 0),
        ((255, 0, 0), 0.2126, 1, 1, 0),
        ((0, 0, 255), 0.0722, 1, -1, 1),
        ((128, 128, 128), 0.502, 0, 0, 0),
    ],
    ids=["black", "white", "red", "blue", "grey"],
)
def test_look_of_plain_colours(
    color: tuple[int, int, int], brightness: float, saturation: float, warmth: float, dark: float
) -> None:
    assert look_of(flat(*color)) == pytest.approx((brightness, saturation, warmth, dark), abs=0.002)


def test_letterbox_does_not_darken_the_picture() -> None:
    frame = flat(180, 140, 90)
    boxed = frame.copy()
    boxed[:12] = boxed[-12:] = 16 // 2
    assert bars_of(luma_of(boxed)) == (12, 0)
    assert look_of(boxed, bars_of(luma_of(boxed))) == pytest.approx(look_of(frame))


def test_a_dark_edge_on_one_side_is_no_bar() -> None:
    frame = flat(180, 140, 90)
    frame[:20] = 0
    frame[:, :30] = 0
    assert bars_of(luma_of(frame)) == (0, 0)


def test_change_grows_with_movement_and_ignores_dimming() -> None:
    rng = np.random.default_rng(1)
    scene = luma_of(rng.integers(0, 255, (HEIGHT, WIDTH, 3), dtype=np.uint8))
    smooth = np.cumsum(scene - scene.mean(), axis=1).astype(np.float32)
    smooth = 0.5 + 0.4 * smooth / np.abs(smooth).max()
    changes = [change_between(smooth, np.roll(smooth, shift, axis=1)) for shift in (0, 1, 4, 16)]
    assert changes[0] == 0
    assert changes == sorted(changes)
    dim = [change_between(0.5 * smooth, 0.5 * np.roll(smooth, shift, axis=1)) for shift in (4,)]
    assert dim[0] > 0.5 * changes[2]


# --- sound


def programme_of(samples: np.ndarray) -> Programme:
    bands = band_power(samples.astype(np.float32))
    return Programme(bands, np.ones(len(bands), dtype=bool))


def tone(frequency: float, amplitude: float, seconds: float = 2) -> np.ndarray:
    return amplitude * np.sin(2 * np.pi * frequency * np.arange(round(seconds * AUDIO_RATE)) / AUDIO_RATE)


def test_band_power_of_a_full_scale_sine_is_one_half() -> None:
    assert band_power(tone(1000, 1).astype(np.float32)).sum(axis=1) == pytest.approx(0.5, rel=0.02)


@pytest.mark.parametrize("factor_db", [-20, -6, 6])
def test_level_follows_gain(factor_db: float) -> None:
    quiet = hearing.level_db(programme_of(tone(500, 0.1))).mean()
    changed = hearing.level_db(programme_of(tone(500, 0.1 * 10 ** (factor_db / 20)))).mean()
    assert changed - quiet == pytest.approx(factor_db, abs=0.1)


def test_silence_is_at_the_floor_everywhere() -> None:
    silence = programme_of(np.zeros(AUDIO_RATE))
    assert set(hearing.level_db(silence)) == {-65.0}
    assert set(hearing.centroid_octaves(silence)) == {-2.0}
    assert set(hearing.flux_db(silence)) == {0.0}


def test_centroid_is_where_the_tone_is() -> None:
    for frequency in (250, 1000, 4000):
        octaves = hearing.centroid_octaves(programme_of(tone(frequency, 0.3))).mean()
        assert octaves == pytest.approx(np.log2(frequency / 1000), abs=0.35)


def test_flux_tells_knocks_from_a_drone() -> None:
    drone = tone(200, 0.3, 4)
    knocks = drone * (np.arange(len(drone)) % (AUDIO_RATE // 4) < AUDIO_RATE // 16)
    assert hearing.flux_db(programme_of(knocks)).mean() > hearing.flux_db(programme_of(drone)).mean() + 1


def test_media_span_of_a_reversed_and_of_a_fast_clip() -> None:
    clip = SoundClip(Fraction(10), Fraction(12), "a", "a.wav", Fraction(30), Fraction(-2))
    assert media_span(clip) == (26, 30)
    assert media_span(SoundClip(Fraction(0), Fraction(2), "a", "a.wav", Fraction(30), Fraction(3, 2))) == (30, 33)


def test_spans_are_joined_in_order() -> None:
    assert joined([(5, 6), (0, 1), (0.5, 2), (2.5, 3), (9, 10)]) == [(0, 3), (5, 6), (9, 10)]


# --- pace


def test_faster_cutting_has_a_higher_rate() -> None:
    time_s = np.arange(0, 60, 0.25)
    rates = [log_cut_rate(np.arange(step, 60, step), 60.0, time_s).mean() for step in (12.0, 6.0, 3.0, 1.5)]
    assert rates == sorted(rates)
    assert np.diff(rates) == pytest.approx(1, abs=0.35)


def test_even_cutting_is_even_to_the_ends_of_the_film() -> None:
    time_s = np.arange(0, 60, 0.25)
    rate = log_cut_rate(np.arange(2.0, 60, 2.0), 60.0, time_s)
    assert np.ptp(rate) < 1.0
    assert rate[len(rate) // 2] == pytest.approx(np.log2(0.5), abs=0.1)


def test_no_cuts_at_all() -> None:
    rate = log_cut_rate(np.zeros(0), 60.0, np.arange(0, 60, 0.25))
    assert np.isfinite(rate).all()
    assert np.ptp(rate) == 0


# --- from features to scores


def test_score_mixes_this_film_with_films_in_general() -> None:
    reference = Reference(0.0, 1.0)
    known = np.ones(101, dtype=bool)
    values = np.linspace(-1, 1, 101)
    assert score(values, known, reference)[50] == pytest.approx(0)
    dim = score(values - 3, known, reference)
    assert dim.mean() == pytest.approx(-1.5, abs=0.1)  # half of what it is in general
    assert dim[-1] > dim[0] + 1


def test_a_uniform_film_is_not_blown_up() -> None:
    values = 1e-6 * np.random.default_rng(1).standard_normal(100)
    assert np.abs(score(values, np.ones(100, dtype=bool), Reference(0.0, 1.0))).max() < 1e-4


def test_unknown_values_do_not_count() -> None:
    known = np.arange(100) < 50
    values = np.where(known, 1.0, 1e9)
    scores = score(values, known, Reference(0.0, 1.0))
    assert scores[:50] == pytest.approx(0.5)
    assert not scores[50:].any()


def test_covered_includes_both_ends() -> None:
    time_s = np.arange(0, 2.01, 0.25)
    mask = covered(np.array([0.5, 1.7]), np.array([1.0, 1.74]), time_s)
    assert time_s[mask].tolist() == [0.5, 0.75, 1.0]
    assert not covered(np.zeros(0), np.zeros(0), time_s).any()


def test_on_grid_takes_means_and_bridges_holes() -> None:
    time_s = np.arange(0, 2.01, 0.25)
    values = on_grid(np.array([0.0, 0.05, 1.0]), np.array([1.0, 3.0, 6.0]), time_s)
    assert values[0] == 2
    assert values[4] == 6
    assert 2 < values[2] < 6
    assert values[-1] == 6
    assert not on_grid(np.zeros(0), np.zeros(0), time_s).any()


def test_hops_are_whole() -> None:
    assert AUDIO_RATE % HOPS_A_SECOND == 0

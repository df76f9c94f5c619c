"""How numbers, times, chords and moods are written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.report.markup import escape, number, script_json, signed
from bridge.report.music_lanes import mood_colour
from bridge.report.view import bar_beat_text, chord_name, clock_text, key_text, note_name
from emsync_engine.score import ChordSpan, Key


@given(st.floats(-1e5, 1e5), st.integers(0, 4))
def test_a_coordinate_reads_back(value: float, digits: int) -> None:
    text = number(value, digits)
    assert float(text) == pytest.approx(value, abs=0.500001 * 10**-digits)
    assert "e" not in text and text not in ("-0", "")


@pytest.mark.parametrize(("value", "text"), [(0.25, ".25"), (-0.25, "-.25"), (3.0, "3"), (100.0, "100"), (-1e-9, "0")])
def test_a_coordinate_is_short(value: float, text: str) -> None:
    assert number(value) == text


@pytest.mark.parametrize(("value", "text"), [(0.351, "+0.35"), (-0.1, "−0.10"), (-0.001, "0.00"), (0.0, "0.00")])
def test_a_sign_is_a_sign(value: float, text: str) -> None:
    assert signed(value) == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(7.25, "0:07.250"), (59.9996, "1:00.000"), (3727.25, "1:02:07.250"), (-1.5, "−0:01.500")]
)
def test_a_time(seconds: float, text: str) -> None:
    assert clock_text(seconds) == text


@pytest.mark.parametrize(("bar", "beat", "text"), [(17, 1.0, "17.1"), (3, 3.5, "3.3.50"), (1, 1.999, "1.2")])
def test_a_bar_and_beat(bar: int, beat: float, text: str) -> None:
    assert bar_beat_text(bar, beat) == text


@pytest.mark.parametrize(
    ("key", "chord", "text"),
    [
        (Key(2, "minor"), ChordSpan(0, 1, 10, "maj", "VI"), "B♭"),
        (Key(2, "major"), ChordSpan(0, 1, 6, "min7", "iii7"), "F♯m7"),
        (Key(0, "major"), ChordSpan(0, 1, 10, "maj", "bVII"), "B♭"),
        (Key(7, "major"), ChordSpan(0, 1, 10, "maj7", "bIII"), "B♭maj7"),
        (Key(0, "major"), ChordSpan(0, 1, 7, "dom7", "V7", bass=11), "G7/B"),
        (Key(0, "major"), ChordSpan(0, 1, 4, "dom7", "V7/vi", bass=8), "E7/G♯"),
        (Key(5, "major"), ChordSpan(0, 1, 7, "min", "ii", bass=10), "Gm/B♭"),
        (Key(3, "major"), ChordSpan(0, 1, 8, "min", "iv", bass=11), "A♭m/C♭"),
        (Key(9, "minor"), ChordSpan(0, 1, 8, "dim", "#vii"), "G♯°"),
        (Key(5, "major"), ChordSpan(0, 1, 7, "madd9", "ii"), "Gm(add9)"),
        (Key(0, "major"), ChordSpan(0, 1, 7, "7sus4", "V"), "G7sus4"),
    ],
)
def test_a_chord_is_spelt_as_its_key(key: Key, chord: ChordSpan, text: str) -> None:
    assert "".join(chord_name(chord, key)) == text


@pytest.mark.parametrize(("key", "text"), [(Key(10, "minor"), "B♭ minor"), (Key(6, "major"), "F♯ major")])
def test_a_key(key: Key, text: str) -> None:
    assert key_text(key) == text


def test_middle_c() -> None:
    assert note_name(60) == "C4"


@given(st.floats(-2, 2), st.floats(-2, 2))
def test_any_mood_has_a_colour(valence: float, arousal: float) -> None:
    red, green, blue = map(int, mood_colour(valence, arousal)[4:].split("/")[0].split())
    assert all(0 <= part <= 255 for part in (red, green, blue))


def test_moods_differ_in_colour() -> None:
    assert len({mood_colour(v, a) for v in (-0.6, 0.6) for a in (-0.6, 0.6)}) == 4


@given(st.text())
def test_text_never_opens_a_tag_or_ends_an_attribute(text: str) -> None:
    assert not set("<>\"'") & set(escape(text))


@given(st.text())
def test_data_never_ends_its_script(text: str) -> None:
    assert "<" not in script_json({"name": text})

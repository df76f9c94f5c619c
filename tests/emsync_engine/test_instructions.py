"""The words that users write into markers."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emsync_engine.errors import InputError
from emsync_engine.instructions import PARTS, parse_instruction, parse_key, parse_mood, parse_parts, parse_tempo
from emsync_engine.picture import Instruction
from emsync_engine.score import Key

UNDERSTOOD: list[tuple[str, str, Any]] = [
    ("hit", "hit", None),
    (" HIT ", "hit", None),
    ("no-hit", "no-hit", None),
    ("silence", "silence", None),
    ("End", "end", None),
    ("mood: -0.4,0.7", "mood", (-0.4, 0.7)),
    ("mood:-0.4 0.7", "mood", (-0.4, 0.7)),
    ("MOOD : 1; -1", "mood", (1.0, -1.0)),
    ("section: The Chase", "section", "The Chase"),
    ("section: a: b", "section", "a: b"),
    ("tempo: 92", "tempo", 92.0),
    ("tempo: 92.5 BPM", "tempo", 92.5),
    ("key: d minor", "key", (2, "minor")),
    ("parts: strings, Piano", "parts", ("piano", "strings")),
    ("parts: bass+drums", "parts", ("drums", "bass")),
    ("cue: 1m1 Überfall", "cue", "1m1 Überfall"),
]


@pytest.mark.parametrize(("text", "kind", "value"), UNDERSTOOD, ids=[row[0] for row in UNDERSTOOD])
def test_what_is_understood(text: str, kind: Any, value: Any) -> None:
    assert parse_instruction(text) == Instruction(kind, value)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hit me",
        "a hit",
        "note: fix colour",
        "the mood: dark",
        "mood",
        "cue",
        "tempo 92",
        "VFX_010 hit",
        "end of reel",
        "hit:",
        "hit: 3",
    ],
)
def test_plain_markers_stay_plain(text: str) -> None:
    assert parse_instruction(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "mood:",
        "mood: 2,0",
        "mood: 0,nan",
        "mood: 1,2,3",
        "tempo: allegro",
        "tempo: 39",
        "tempo: 201",
        "tempo: nan",
        "key: x",
        "key: d lydian",
        "parts:",
        "parts: choir",
        "section:",
        "cue:  ",
    ],
)
def test_our_words_with_values_that_cannot_be_used(text: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_instruction(text)
    assert caught.value.message and caught.value.code.startswith("bad_")


@given(st.text(max_size=30))
def test_any_text_is_plain_understood_or_an_input_error(text: str) -> None:
    try:
        found = parse_instruction(text)
    except InputError:
        return
    assert found is None or isinstance(found, Instruction)


def test_words_for_moods_lie_where_they_should() -> None:
    assert parse_mood("joy")[0] > 0.5 and parse_mood("sad")[0] < -0.5
    assert parse_mood("chase")[1] > 0.5 and parse_mood("calm")[1] < 0
    with pytest.raises(InputError, match="tense"):
        parse_mood("tens")


@pytest.mark.parametrize("mode", ["major", "minor"])
@pytest.mark.parametrize("tonic", range(12))
def test_every_key_is_read_from_its_own_name(tonic: int, mode: Any) -> None:
    name = Key(tonic, mode).name
    assert parse_key(name) == parse_key(name.lower()) == parse_key(name.replace(" ", "")) == (tonic, mode)


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("am", (9, "minor")),
        ("Bb", (10, "major")),
        ("b", (11, "major")),
        ("bbm", (10, "minor")),
        ("c♯ minor", (1, "minor")),
        ("e flat maj", (3, "major")),
        ("G-major", (7, "major")),
        ("cb", (11, "major")),
        ("h minor", (11, "minor")),
    ],
)
def test_other_spellings_of_keys(text: str, key: tuple[int, str]) -> None:
    assert parse_key(text) == key


@given(st.lists(st.sampled_from(PARTS), min_size=1))
def test_parts_come_in_score_order_once(names: list[str]) -> None:
    parts = parse_parts(",".join(names).upper())
    assert parts == tuple(p for p in PARTS if p in names)


@given(st.floats(40, 200))
def test_every_tempo_of_the_range_is_taken(tempo: float) -> None:
    assert parse_tempo(repr(tempo)) == tempo

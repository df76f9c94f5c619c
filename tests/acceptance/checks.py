"""What must hold of every cue, from the JSON answers and from what is heard in the MIDI file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from fractions import Fraction
from itertools import pairwise
from typing import Any

from tests.acceptance.listening import Heard

EDGE_S = 0.3
"""Nobody can land on something nearer to the head or the end than a fast beat."""
SHIFT_S = Fraction(7, 10)
_TONICS = {name: i for i, names in enumerate(
    (("C",), ("C#", "Db"), ("D",), ("Eb", "D#"), ("E",), ("F",), ("F#", "Gb"), ("G",), ("G#", "Ab"), ("A",),
     ("Bb", "A#"), ("B",))) for name in names}  # fmt: skip

Answer = Mapping[str, Any]


def check_cue(answer: Answer, cuts: Answer, heard: Heard, min_gap_s: float = 4.0) -> None:
    """All of it."""
    check_choice(answer, cuts, min_gap_s)
    check_hits(answer, heard)
    check_tempo(answer, heard)
    check_ending(answer, heard)
    check_file(answer, heard)


def hit_times(answer: Answer) -> list[float]:
    return [hit["time_s"] for hit in answer["hits"]]


def check_choice(answer: Answer, cuts: Answer, min_gap_s: float) -> None:
    """Hits are boundaries, far enough apart, and none that could be hit is left out."""
    hits, duration_s = hit_times(answer), cuts["duration_s"]
    known = {b["hit_s"]: b for b in cuts["boundaries"]}
    assert set(hits) <= set(known), "a hit that is no boundary"
    assert hits == sorted(hits) and len(hits) == len(set(hits))
    by_user = {b["hit_s"] for b in cuts["boundaries"] if b["weight"] >= 10}
    for a, b in pairwise(hits):
        assert b - a >= (EDGE_S if {a, b} <= by_user else min_gap_s) - 1e-9, f"hits at {a} and {b}"
    for boundary in cuts["boundaries"]:
        time_s = boundary["hit_s"]
        inside = EDGE_S <= time_s <= duration_s - EDGE_S
        if boundary["picture"] and boundary["weight"] > 0 and inside and time_s not in hits:
            gap = EDGE_S if time_s in by_user else min_gap_s
            assert any(abs(time_s - hit) < gap for hit in hits), f"{time_s} is free and not hit"


def check_hits(answer: Answer, heard: Heard) -> None:
    """Every hit is met within a millisecond by an accent that stands out; moments beside them are not."""
    for hit in answer["hits"]:
        time_s = Fraction(hit["time_s"])
        assert heard.is_met(time_s), f"the hit at {hit['time_s']} is met at {float(heard.nearest_accent(time_s)[0])}"
        onset_s, tick = heard.nearest_accent(time_s)
        assert abs(float(onset_s) - hit["onset_s"]) < 1e-6
        assert abs(hit["error_s"]) <= 1e-3
        assert heard.stands_out(tick), f"the accent at {hit['time_s']} is no louder than its bar"
        bar = heard.bar_lines.index(tick)
        assert (hit["bar"], hit["beat"]) == (bar + 1, 1.0)
    shifted = [Fraction(t) + SHIFT_S for t in hit_times(answer)]
    assert sum(map(heard.is_met, shifted)) <= len(shifted) / 4


def check_tempo(answer: Answer, heard: Heard) -> None:
    """Tempos between 40 and 200 that change by 6 % at most, unless listed as forced; whole bars of quarters."""
    rows = answer["tempo_map"]
    assert [(r["us_per_quarter"]) for r in rows] == [us for _, us in heard.tempos]
    for row, (tick, _) in zip(rows, heard.tempos):
        assert abs(row["time_s"] - float(heard.seconds(tick))) < 1e-6
        assert 40 <= row["bpm"] <= 200 or row["forced"], row
    for a, b in pairwise(rows):
        step = max(a["bpm"] / b["bpm"], b["bpm"] / a["bpm"]) - 1
        assert step <= 0.06 + 1e-9 or b["forced"], (a, b)
    assert heard.tempos[0][0] == heard.metres[0][0] == 0
    for tick, beats, unit in heard.metres:
        assert beats >= 1 and unit == 4
        assert tick in heard.bar_lines or tick >= heard.bar_lines[-1]


def check_ending(answer: Answer, heard: Heard) -> None:
    """The last chord is the tonic, comes as a cadence, has time to sound, and ends with the picture."""
    duration_s = answer["duration_s"]
    assert abs(float(heard.end_s) - duration_s) <= 0.05
    if duration_s <= 10:
        return
    tonic = _TONICS[answer["key"].split()[0]]
    third = 4 if answer["key"].endswith("major") else 3
    last = max(t for t, row in heard.at_tick.items() if len({s.pitch for s in row if not s.is_drum}) >= 3)
    chord = {(s.pitch - tonic) % 12 for s in heard.sounding(last)}
    assert {0, third} <= chord <= {0, third, 7}, f"the last chord holds {chord} above the tonic"
    assert min(heard.sounding(last), key=lambda s: s.pitch).pitch % 12 == tonic
    assert duration_s - float(heard.seconds(last)) >= 1.5
    bar = max(line for line in heard.bar_lines if line < last)
    before = {(s.pitch - tonic) % 12 for s in heard.sounds if bar <= s.tick < last and not s.is_drum}
    assert before & {7, 5, 2, 11, 10, 1}, "nothing leads to the last chord"
    assert not before <= {0, third}, "the last chord was there all along"


def check_file(answer: Answer, heard: Heard) -> None:
    """Type 1, 960 ticks, one named track and channel a part, volume, pan and expression, markers."""
    midi = heard.midi
    assert (midi.type, midi.ticks_per_beat) == (1, 960)
    names = [track.name for track in midi.tracks[1:]]
    assert [n.lower() for n in names] == list(answer["notes"])
    channels = []
    for track in midi.tracks[1:]:
        used = {m.channel for m in track if hasattr(m, "channel")}
        assert len(used) == 1
        channels += used
        now, at_start = 0, set()
        for message in track:
            now += message.time
            if message.type == "control_change" and now == 0:
                at_start.add(message.control)
        assert {7, 10, 11} <= at_start
        assert sum(m.type == "program_change" for m in track) == 1
    assert len(set(channels)) == len(channels)
    assert {n: len(row) for n, row in heard.parts.items()} == {n: answer["notes"][n.lower()] for n in names}
    texts = [text for _, text in heard.markers]
    marked = [heard.seconds(tick) for tick, text in heard.markers if text.startswith("Hit ")]
    assert len(marked) == len(answer["hits"])
    for place, time_s in zip(marked, hit_times(answer)):
        assert abs(float(place) - time_s) <= 1e-3
    assert sum(text.startswith("Section ") for text in texts) == len(answer["sections"])
    assert all(track[-1].type == "end_of_track" for track in midi.tracks)
    assert Counter(m.type for m in midi.tracks[0])["key_signature"] == 1

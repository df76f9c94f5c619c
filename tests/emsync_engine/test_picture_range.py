"""A part of a picture, and the cues that markers ask for."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emsync_engine.errors import InputError
from emsync_engine.picture import Boundary, Caption, Instruction, Picture, PictureMarker, Shot, SoundClip
from emsync_engine.picture_range import CueRange, cue_ranges, picture_between

S = Fraction
FILM = Picture(
    "film",
    S(24),
    S(60),
    start_frame=86400,
    shots=(
        Shot(S(0), S(10), "a", "a.mov", S(100)),
        Shot(S(10), S(30), "b", "b.mov", S(50), speed=S(2)),
        Shot(S(30), S(60), "c", "c.mov", S(90), speed=S(-1)),
    ),
    boundaries=(
        Boundary(S(10), 240, S(10), "cut"),
        Boundary(S(30), 720, S(31), "dissolve", span=(S(29), S(33))),
    ),
    markers=(
        PictureMarker(S(5), "early", S(10), instruction=Instruction("mood", (0.1, 0.2))),
        PictureMarker(S(20), "late"),
    ),
    sounds=(SoundClip(S(0), S(60), "voice", "v.wav", S(7)),),
    dialogue=((S(8), S(14)), (S(40), S(41))),
    captions=(Caption(S(9), S(13), "Run!"),),
)


def test_the_whole_is_the_picture_itself() -> None:
    assert picture_between(FILM, S(0), S(60)) is FILM


def test_everything_is_counted_from_the_new_head() -> None:
    part = picture_between(FILM, S(12), S(50))
    assert (part.duration, part.start_timecode) == (38, "01:00:12:00")
    assert [(s.start, s.end, s.name, s.media_start) for s in part.shots] == [(0, 18, "b", 54), (18, 38, "c", 90)]
    (dissolve,) = part.boundaries
    assert (dissolve.time, dissolve.frame, dissolve.hit, dissolve.span) == (18, 18 * 24, 19, (17, 21))
    assert [(m.time, m.duration, m.name) for m in part.markers] == [(0, 3, "early"), (8, 0, "late")]
    (voice,) = part.sounds
    assert (voice.start, voice.end, voice.media_start) == (0, 38, 19)
    assert part.dialogue == ((0, 2), (28, 29))
    assert part.captions == (Caption(S(0), S(1), "Run!"),)


def test_a_cut_on_the_edge_is_the_edge() -> None:
    assert picture_between(FILM, S(10), S(20)).boundaries == ()
    assert picture_between(FILM, S(0), S(10)).boundaries == ()


def test_media_that_runs_backwards_starts_where_it_is_seen() -> None:
    (shot,) = picture_between(FILM, S(40), S(45)).shots
    assert shot.media_start == 80


@given(st.integers(0, 1439), st.integers(1, 1440))
def test_what_is_seen_stays_where_it_was(first: int, length: int) -> None:
    start, end = S(first, 24), min(S(first + length, 24), FILM.duration)
    part = picture_between(FILM, start, end)
    assert part.duration == end - start
    assert part.start_frame == FILM.start_frame + first
    assert sum(s.duration for s in part.shots) == part.duration
    for boundary in part.boundaries:
        original = next(b for b in FILM.boundaries if b.time == boundary.time + start)
        assert (boundary.hit + start, boundary.frame + first) == (original.hit, original.frame)
    for shot in part.shots:
        original_shot = next(s for s in FILM.shots if s.name == shot.name)
        seen = shot.start + start
        assert shot.media_start == original_shot.media_start + (seen - original_shot.start) * original_shot.speed


def test_edges_go_to_the_nearest_frame() -> None:
    part = picture_between(FILM, S(1, 100), S(10) + S(1, 100))
    assert (part.start_frame, part.duration) == (FILM.start_frame, 10)


@pytest.mark.parametrize(
    ("start", "end"), [(S(5), S(5)), (S(9), S(5)), (S(60), S(61)), (S(-1), S(5)), (S(5), S(5) + S(1, 100))]
)
def test_ranges_without_picture_are_refused(start: Fraction, end: Fraction) -> None:
    with pytest.raises(InputError, match="holds no picture"):
        picture_between(FILM, start, end)


def marked(*marks: tuple[float, str, str | None]) -> Picture:
    markers = tuple(PictureMarker(S(t), kind, instruction=Instruction(kind, value)) for t, kind, value in marks)  # type: ignore[arg-type]
    return Picture("film", S(24), S(60), markers=markers)


def test_cues() -> None:
    assert cue_ranges(marked()) == [CueRange("", S(0), S(60))]
    assert cue_ranges(marked((40, "end", None))) == [CueRange("", S(0), S(40))]
    assert cue_ranges(marked((0, "end", None))) == [CueRange("", S(0), S(60))]
    assert cue_ranges(marked((10, "cue", "a"))) == [CueRange("a", S(10), S(60))]
    assert cue_ranges(marked((30, "cue", "a"), (10, "cue", "a"), (20, "end", None), (50, "hit", None))) == [
        CueRange("a", S(10), S(20)),
        CueRange("a 2", S(30), S(60)),
    ]


def test_a_cue_without_length_is_named() -> None:
    with pytest.raises(InputError, match="the cue 'b' at 00:01:00:00"):
        cue_ranges(marked((10, "cue", "a"), (60, "cue", "b")))

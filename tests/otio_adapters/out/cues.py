"""A small cue, by hand: 48 seconds in three sections, two parts, three hits, at any rate."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path, PurePath

from emsync_engine.picture import Picture, PictureMarker, Shot, SoundClip
from emsync_engine.score import (
    TICKS_PER_QUARTER,
    Bar,
    Control,
    Key,
    Note,
    Part,
    Score,
    ScoreHit,
    Section,
    Tempo,
    TempoMap,
)
from otio_adapters.out import Delivery

Q = TICKS_PER_QUARTER
FOLDER = Path("/mnt/Größe 100% #1/cue folder")
RATES = {
    "24": (Fraction(24), 86_400, False),
    "23.976": (Fraction(24000, 1001), 86_400, False),
    "25": (Fraction(25), 90_000, False),
    "29.97 NDF": (Fraction(30000, 1001), 108_000, False),
    "29.97 DF": (Fraction(30000, 1001), 107_892, True),
    "59.94 DF": (Fraction(60000, 1001), 215_784, True),
    "head 0": (Fraction(24), 0, False),
}
TEMPO = TempoMap((Tempo(0, 500_000), Tempo(32 * Q, 666_667), Tempo(44 * Q, 480_001)))
BARS = (*(Bar(i * 4 * Q, 4) for i in range(8)), *(Bar((32 + i * 3) * Q, 3) for i in range(4)),
        *(Bar((44 + i * 4) * Q, 4) for i in range(12)))  # fmt: skip


def score(frames: int, rate: Fraction) -> Score:
    duration = Fraction(frames) / rate
    tune = tuple(Note(i * Q, 60 + i % 12, Q, 80) for i in range(60) if TEMPO.seconds((i + 1) * Q) < duration)
    strings = Part("strings", "Strings", 48, 0, tune, (Control(0, 7, 90), Control(Q, 11, 40)))
    drums = Part("drums", "Drums & Perc", 0, 9, (Note(0, 36, 10, 127), Note(0, 36, 480, 90), Note(240, 36, 480, 100)))
    hits = [Fraction(frame) / rate for frame in (100, 240, 700)]
    labels = ("Shot 2", "", 'the "door", slams | twice')
    return Score(
        tempo_map=TEMPO,
        bars=BARS,
        key=Key(2, "minor"),
        parts=(strings, drums),
        sections=(
            Section("a", "Calm", 0, 32 * Q, 0.5, -0.25, 1),
            Section("b", "Chase", 32 * Q, 44 * Q, -0.5, 0.75, 2),
            Section("c", "Ending", 44 * Q, 92 * Q, 0.0, 0.0, 3),
        ),
        chords=(),
        hits=tuple(ScoreHit(TEMPO.tick(t), t, label) for t, label in zip(hits, labels)),
        duration=duration,
        end_tick=TEMPO.tick(duration),
        seed=7,
        engine="rules",
        title="Cue",
    )


def picture(rate: Fraction, start: int, drop: bool, frames: int = 1000) -> Picture:
    def at(frame: int) -> Fraction:
        return Fraction(frame) / rate

    return Picture(
        name="Reel",
        rate=rate,
        duration=at(frames),
        source="/edit/reel.otio",
        drop_frame=drop,
        start_frame=start,
        shots=(
            Shot(at(0), at(100), "Shot 1", "/media/a 1.mov", at(50), online=True),
            Shot(at(100), at(240), "Shot 2", "/media/b.mov", at(0), Fraction(2), online=True),
            Shot(at(300), at(frames), "Still", "/media/c.png", at(0), still=True),
        ),
        markers=(PictureMarker(at(12), "mood: tense", comment="from here"),),
        sounds=(
            SoundClip(at(10), at(90), "Line 1", "/sound/dx.wav", at(1000), role="dialogue", track="DX 1"),
            SoundClip(at(0), at(500), "Temp", "/sound/temp.wav", at(0), role="music", track="TEMP MX"),
        ),
    )


def delivery(name: str = "23.976", folder: PurePath = FOLDER, *, audio: bool = True) -> Delivery:
    seen = picture(*RATES[name])
    stems = (("strings", folder / "stems" / "strings.wav"), ("drums", folder / "stems" / "drums.wav"))
    return Delivery(
        "Größe: Act 1/2 <Finale>",
        score(1000, seen.rate),
        seen,
        folder / "score mix.wav" if audio else None,
        stems if audio else (),
    )

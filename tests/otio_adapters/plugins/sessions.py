"""Timelines for the plug-ins' tests, by hand and at random."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import opentimelineio as otio
from hypothesis import strategies as st

from emsync_engine.timecode import supports_drop_frame
from otio_adapters.plugins.midi import Bend, Control, Midi, Note, Program
from otio_adapters.plugins.session import COLOURS, Item, Session, SessionMarker, SessionTrack
from otio_adapters.plugins.tempo import Clock, TempoPoint

NTSC_FILM = Fraction(24000, 1001)
RATES = (Fraction(24), NTSC_FILM, Fraction(25), Fraction(30000, 1001), Fraction(60000, 1001), Fraction(48))
TOLERANCE = Fraction(1, 1_000_000)

TEMPO = (
    TempoPoint(Fraction(0), Fraction(500_000)),
    TempoPoint(Fraction(8), Fraction(666_667), 3, 4),
    TempoPoint(Fraction(8) + Fraction(6 * 666_667, 1_000_000), Fraction(400_000), 6, 8),
)
"""16 quarters at 120, 6 at 90 in 3/4, then 150 in 6/8."""

MIDI = Midi(
    960,
    (Note(0, 60, 960, 100, 2), Note(960, 64, 480, 1, 2), Note(960, 67, 481, 127, 2), Note(3840, 72, 960, 64, 2)),
    (Control(0, 7, 100, 2), Control(480, 11, 0, 2), Control(481, 11, 127, 2)),
    (Program(0, 48, 2),),
    (Bend(100, -8192, 2), Bend(200, 0, 2), Bend(300, 8191, 2)),
)


def by_hand(rate: Fraction = NTSC_FILM) -> Session:
    """Two pictures, a sound and a MIDI track, at one hour."""

    def frames(count: int) -> Fraction:
        return Fraction(count) / rate

    picture = (
        Item(frames(0), frames(100), "video", "Shot 1", "/media/reel 1/a#1 100%.mov", frames(24)),
        Item(frames(148), frames(52), "video", "Shot 2", "/media/b.mov", frames(5), Fraction(2)),
        Item(frames(200), frames(40), "video", "Backwards", "/media/b.mov", frames(90), Fraction(-1)),
    )
    titles = (Item(frames(10), frames(20), "video", "Titel «Größe»", "/media/title.png", muted=True),)
    sound = (Item(frames(0), frames(240), "audio", "MX Mix", "/music/cue v1 mix.wav"),)
    notes = (Item(frames(0), frames(240), "midi", "Strings", midi=MIDI),)
    return Session(
        name='Reel "1" it\'s',
        rate=rate,
        start_frame=86_400,
        tempo=TEMPO,
        tracks=(
            SessionTrack("V2", titles, "video"),
            SessionTrack("V1", picture, "video"),
            SessionTrack("A1", sound, volume=0.5, pan=-0.25),
            SessionTrack("MX Strings", notes, "midi", muted=True),
        ),
        markers=(
            SessionMarker(Fraction(0), "Act 1", frames(120), "quiet; then `loud`", "GREEN"),
            SessionMarker(frames(100), "Hit 1", comment="the door", colour="RED"),
            SessionMarker(frames(148) + Fraction(1, 1000), 'say "no", it\'s `late`', colour="BLUE"),
        ),
    )


def differences(a: Session, b: Session, *, of: str = "all") -> list[str]:
    """What differs by more than a microsecond. ``of`` ``"music"`` leaves pictures, sounds and the mixer out."""
    found = [f"{key}: {getattr(a, key)!r} {getattr(b, key)!r}" for key in ("rate", "start_frame", "drop_frame")
             if getattr(a, key) != getattr(b, key)]  # fmt: skip
    found += _points(a.tempo, b.tempo)
    found += _listed("marker", a.markers, b.markers, _marker)
    mine, theirs = ([t for t in s.tracks if of == "all" or t.kind == "midi" or _plays(t)] for s in (a, b))
    found += _listed("track", mine, theirs, lambda x, y: _track(x, y, of, Clock(a.tempo)))
    return found


def _plays(track: SessionTrack) -> bool:
    return any(item.kind == "midi" for item in track.items)


def _listed(what: str, a: Any, b: Any, compare: Any) -> list[str]:
    if len(a) != len(b):
        return [f"{len(a)} {what}s became {len(b)}"]
    return [f"{what} {i}: {text}" for i, (x, y) in enumerate(zip(a, b)) for text in compare(x, y)]


def _near(key: str, a: Fraction, b: Fraction) -> list[str]:
    return [] if abs(a - b) <= TOLERANCE else [f"{key} {float(a):.9f} {float(b):.9f}"]


def _same(key: str, a: object, b: object) -> list[str]:
    return [] if a == b else [f"{key} {a!r} {b!r}"]


def _points(a: tuple[TempoPoint, ...], b: tuple[TempoPoint, ...]) -> list[str]:
    a, b = Clock(a).points, Clock(b).points  # no map at all means 120 in 4/4, which a project states

    def compare(x: TempoPoint, y: TempoPoint) -> list[str]:
        return _near("time", x.time, y.time) + _same("meter", x.meter, y.meter) + _near("us", x.us, y.us)

    return _listed("tempo", a, b, compare)


def _marker(a: SessionMarker, b: SessionMarker) -> list[str]:
    return [
        *_near("time", a.time, b.time),
        *_near("duration", a.duration, b.duration),
        *_same("name", a.name, b.name),
        *_same("comment", a.comment, b.comment),
        *_same("colour", a.colour, b.colour),
    ]


def _track(a: SessionTrack, b: SessionTrack, of: str, clock: Clock) -> list[str]:
    mixer = (a.volume, a.pan, a.muted) == (b.volume, b.pan, b.muted) or of == "music"
    return [
        *_same("name", a.name, b.name),
        *([] if mixer else [f"mixer {a} {b}"]),
        *_listed("item", a.items, b.items, lambda x, y: _item(x, y, of)),
    ]


def _item(a: Item, b: Item, of: str) -> list[str]:
    midi = [m.resolved(960) if m else None for m in (a.midi, b.midi)]
    return [
        *_near("start", a.start, b.start),
        *_near("duration", a.duration, b.duration),
        *_near("source", a.source, b.source),
        *_near("speed", a.speed, b.speed),
        *_same("name", a.name, b.name),
        *_same("kind", a.kind, b.kind),
        *_same("midi", *midi),
        *(_same("muted", a.muted, b.muted) if of == "all" else []),
    ]


NAMES = st.one_of(
    st.sampled_from(
        ["Shot", "it's", 'the "end"', "a `b`", "Größe", "日本", "100% #1", "<x>", ">", "|", "MARKER 1", "&"]
    ),
    st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1, max_size=12),
)


def _without_three_quotes(text: str) -> str:
    return text.replace("`", "") if {'"', "'", "`"} <= set(text) else text


@st.composite
def sessions(draw: st.DrawFn) -> Session:
    """Sessions that every part of a project may appear in; what no form keeps is left out of them."""
    rate = draw(st.sampled_from(RATES))
    tempo = draw(_tempos())
    clock = Clock(tempo)
    tracks = [draw(_track_of(rate, clock, kind)) for kind in draw(st.lists(_KINDS, max_size=4))]
    tracks.sort(key=lambda track: track.kind != "video")
    markers = draw(st.lists(_markers(rate), max_size=6))
    return Session(
        name=draw(NAMES.map(_without_three_quotes)),
        rate=rate,
        start_frame=draw(st.sampled_from([0, 86_400, 107_892, 90_000, 172_655])),
        drop_frame=supports_drop_frame(rate) and draw(st.booleans()),
        tempo=tempo,
        tracks=tuple(tracks),
        markers=tuple(sorted(markers, key=lambda marker: (marker.time, marker.name))),
    )


_KINDS = st.sampled_from(["video", "audio", "midi"])


@st.composite
def _tempos(draw: st.DrawFn) -> tuple[TempoPoint, ...]:
    points, tick = [], 0
    time = Fraction(0)
    for _ in range(draw(st.integers(0, 5))):
        us = Fraction(draw(st.integers(150_000, 3_000_000)))
        points.append(TempoPoint(time, us, draw(st.integers(2, 12)), draw(st.sampled_from([2, 4, 8]))))
        quarters = Fraction(draw(st.integers(1, 40_000)), 960)
        time += quarters * us / 1_000_000
        tick += int(quarters * 960)
    return tuple(points)


@st.composite
def _markers(draw: st.DrawFn, rate: Fraction) -> SessionMarker:
    on_grid = draw(st.booleans())
    whole = draw(st.integers(0, 10**6))
    return SessionMarker(
        Fraction(whole) / rate if on_grid else Fraction(whole, 999),
        draw(NAMES.map(_without_three_quotes)),
        draw(st.sampled_from([Fraction(0), Fraction(48) / rate, Fraction(7, 3)])),
        draw(st.one_of(st.just(""), NAMES)),
        draw(st.sampled_from(list(COLOURS))),
    )


@st.composite
def _track_of(draw: st.DrawFn, rate: Fraction, clock: Clock, kind: Any) -> SessionTrack:
    items, time = [], Fraction(0)
    for _ in range(draw(st.integers(1, 4))):
        time += Fraction(draw(st.sampled_from([0, 0, 1, 48, 100_000]))) / rate
        length = Fraction(draw(st.integers(1, 5000))) / rate
        items.append(draw(_midi_item(time, length, clock) if kind == "midi" else _media_item(time, length, rate, kind)))
        time += length
    name = draw(NAMES.map(_without_three_quotes))
    muted, volume = draw(st.booleans()), draw(st.sampled_from([1.0, 0.0, 0.25, 2.0]))
    return SessionTrack(name, tuple(items), kind, volume, draw(st.sampled_from([0.0, -1.0, 0.5])), muted)


@st.composite
def _media_item(draw: st.DrawFn, time: Fraction, length: Fraction, rate: Fraction, kind: Any) -> Item:
    speed = draw(
        st.sampled_from([Fraction(1), Fraction(1), Fraction(1, 2), Fraction(5, 4), Fraction(-1), Fraction(-3)])
    )
    source = Fraction(draw(st.integers(0, 10_000))) / rate + max(-speed, Fraction(0)) * length
    suffix = ".mov" if kind == "video" else draw(st.sampled_from([".wav", ".mp3", ".mov"]))
    media = "/m/" + draw(NAMES.map(_without_three_quotes)).replace("/", "_").replace("\\", "_") + suffix
    name = draw(NAMES.map(_without_three_quotes))
    if draw(st.integers(0, 4)) == 0:  # offline, or a title
        media, speed = "", Fraction(1)
    return Item(time, length, kind, name, media, source, speed, draw(st.booleans()))


@st.composite
def _midi_item(draw: st.DrawFn, time: Fraction, length: Fraction, clock: Clock) -> Item:
    last = int((clock.quarters(time + length) - clock.quarters(time)) * 960)
    notes, tick = [], 0
    for pitch in draw(st.lists(st.integers(0, 127), max_size=6)):
        tick += draw(st.integers(0, 2000))
        duration = draw(st.integers(1, 2000))
        if tick + duration < last and not any(n.pitch == pitch and n.tick + n.duration > tick for n in notes):
            notes.append(Note(tick, pitch, duration, draw(st.integers(1, 127)), draw(st.integers(0, 15))))
    ticks = st.integers(0, max(last - 1, 0))
    controls = (
        draw(st.lists(st.builds(Control, ticks, st.integers(0, 119), st.integers(0, 127), st.just(3)), max_size=4))
        if last
        else []
    )
    bends = draw(st.lists(st.builds(Bend, ticks, st.integers(-8192, 8191), st.just(3)), max_size=3)) if last else []
    midi = Midi(960, tuple(sorted(notes)), tuple(sorted(controls)), (), tuple(sorted(bends)))
    return Item(time, length, "midi", draw(NAMES.map(_without_three_quotes)), midi=midi)


def otio_clip(name: str, start: float, duration: float, rate: float = 24.0, url: str = "") -> Any:
    """A clip of OpenTimelineIO; frames."""
    window = otio.opentime.TimeRange(
        otio.opentime.RationalTime(start, rate), otio.opentime.RationalTime(duration, rate)
    )
    reference = otio.schema.ExternalReference(url) if url else otio.schema.MissingReference()
    return otio.schema.Clip(name, media_reference=reference, source_range=window)

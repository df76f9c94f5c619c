"""The lanes of the plan: sections, tempo, bar lines and chords."""

from __future__ import annotations

from bridge.report.lane import Lane, count, drawing, path
from bridge.report.markup import escape, number, place, signed
from bridge.report.view import View, chord_name, key_text
from emsync_engine.score import ChordSpan, Key, Section

TEMPO_HEIGHT = 84
TEMPO_TOP, TEMPO_FOOT = 19, 50  # pixels between which the line runs
BAR_NUMBER_STEPS = (64, 16, 4, 1)  # bars; a finer number shows where the zoom leaves it room
BARS_PER_PATH = 200  # so that what is off the screen is skipped when painting

CORNERS = {(1, 1): (222, 150, 38), (-1, 1): (190, 62, 58), (-1, -1): (72, 100, 158), (1, -1): (88, 152, 112)}
"""Colour (RGB) of a mood by the signs of valence and arousal: glad amber, fierce red, sad blue, calm green."""
GREY = (140, 136, 130)
"""The colour of neutral."""


def mood_colour(valence: float, arousal: float) -> str:
    """A tint: hue by the quarter of the valence-arousal plane, strength by the distance from neutral."""
    v, a = max(-1.0, min(1.0, valence)), max(-1.0, min(1.0, arousal))
    strength = min(1.0, 2.2 * (v * v + a * a) ** 0.5)
    shares = {corner: (1 + corner[0] * v) * (1 + corner[1] * a) / 4 for corner in CORNERS}
    sharp = {corner: share**2 for corner, share in shares.items()}
    mixed = [sum(CORNERS[c][i] * sharp[c] for c in CORNERS) / sum(sharp.values()) for i in range(3)]
    red, green, blue = (round(g + (m - g) * strength) for g, m in zip(GREY, mixed))
    return f"rgb({red} {green} {blue}/{number(0.22 + 0.3 * strength, 2)})"


def sections_lane(view: View) -> Lane:
    """Blocks with name and mood, in the mood's colour."""
    body = "".join(_section(view, section) for section in view.score.sections)
    return Lane("sections", "Sections", 46, body, note=count(len(view.score.sections), "section"))


def _section(view: View, section: Section) -> str:
    start, end = view.clock.at(section.tick), min(view.clock.at(section.end), view.duration_s)
    mood = f"valence {signed(section.valence)}, arousal {signed(section.arousal)}"
    name = escape(section.name)
    colour = mood_colour(section.valence, section.arousal)
    return (
        f'<div class="section" {place(start, end - start, f"background:{colour}")}'
        f' title="{name}: {mood}, take {section.take}">'
        f'<span class="fits"><b>{name}</b></span>'
        f'<span class="fits"><small>{signed(section.valence)} / {signed(section.arousal)}</small></span></div>'
    )


def tempo_lane(view: View) -> Lane:
    """Beats a minute as a stepped line, with bar numbers along its foot."""
    events = view.score.tempo_map.events
    rates = [event.bpm for event in events]
    low, high = min(rates), max(rates)
    margin = max((high - low) * 0.15, 2.0)
    low, high = low - margin, high + margin

    def y(bpm: float) -> str:
        return number(TEMPO_TOP + (high - bpm) / (high - low) * (TEMPO_FOOT - TEMPO_TOP), 1)

    starts = view.clock.seconds([event.tick for event in events])
    line = f"M0 {y(rates[0])}" + "".join(
        f"H{number(t)}V{y(bpm)}" for t, bpm in zip(starts[1:], rates[1:]) if t < view.duration_s
    )
    forced = "".join(f"M{number(t)} 4V{TEMPO_FOOT + 2}" for t, event in zip(starts, events) if event.forced)
    shapes = path("forced", forced) + path("tempo-line", f"{line}H{number(view.duration_s)}")
    label = f"Tempo from {min(rates):.1f} to {max(rates):.1f} beats a minute in {count(len(events), 'step')}"
    words = [
        f'<b class="fits bpm" style="--t:{number(t)};--d:{number(room)};top:{y(bpm)}px"><span>{bpm:.1f}</span></b>'
        for t, room, bpm in zip(starts, view.rooms(starts), rates) if t < view.duration_s
    ]  # fmt: skip
    body = drawing(shapes, view.duration_s, TEMPO_HEIGHT, label) + "".join(words) + _bar_numbers(view) + _metres(view)
    note = f"{min(rates):.0f}–{max(rates):.0f} bpm" if max(rates) - min(rates) >= 0.5 else f"{rates[0]:.1f} bpm"
    return Lane("tempo", "Tempo", TEMPO_HEIGHT, body, note=note)


def _bar_numbers(view: View) -> str:
    starts = [*view.bar_starts_s.tolist(), view.duration_s]
    last = len(starts) - 1
    words = []
    for bar in range(last):
        level, step = next((i, s) for i, s in enumerate(BAR_NUMBER_STEPS) if bar % s == 0)
        room = starts[min(bar + step, last)] - starts[bar]
        if starts[bar] < view.duration_s:
            words.append(f'<b class="fits bar b{level}" {place(starts[bar], room)}><span>{bar + 1}</span></b>')
    return "".join(words)


def _metres(view: View) -> str:
    """The metre wherever it changes."""
    bars = view.score.bars
    changes = [i for i, bar in enumerate(bars) if i == 0 or bar.beats != bars[i - 1].beats]
    starts = view.bar_starts_s[changes]
    return "".join(
        f'<b class="fits metre" {place(t, room)}><span>{bars[i].beats}/4</span></b>'
        for i, t, room in zip(changes, starts, view.rooms(starts))
        if t < view.duration_s
    )


def bar_lines(view: View) -> str:
    """The grid behind tempo, chords and parts: bar lines, and heavier ones where a section starts."""
    starts = [number(t) for t in view.bar_starts_s if t <= view.duration_s]
    chunks = [starts[i : i + BARS_PER_PATH] for i in range(0, len(starts), BARS_PER_PATH)]
    shapes = [path("bar-line", "".join(f"M{t} 0v1" for t in chunk)) for chunk in chunks]
    sections = view.clock.seconds([s.tick for s in view.score.sections])
    shapes.append(path("section-line", "".join(f"M{number(t)} 0v1" for t in sections if t > 0)))
    return drawing("".join(shapes), view.duration_s, 1)


def chords_lane(view: View) -> Lane:
    """Chord names, with the numeral of the harmonic plan under each."""
    chords = view.score.chords
    starts = view.clock.seconds([chord.tick for chord in chords])
    words = [
        f'<b class="chord" {place(t, room)}><span class="fits"><span>{_chord(chord, view.score.key)}</span></span>'
        f'<span class="fits"><small>{escape(chord.numeral)}</small></span></b>'
        for t, room, chord in zip(starts, view.rooms(starts), chords)
    ]
    return Lane("chords", "Chords", 40, "".join(words), note=escape(key_text(view.score.key)))


def _chord(chord: ChordSpan, key: Key) -> str:
    """The name with its quality set small, as on a lead sheet."""
    root, suffix, bass = chord_name(chord, key)
    small = f"<sup>{escape(suffix)}</sup>" if suffix else ""
    return f"{root}{small}{escape(bass)}"

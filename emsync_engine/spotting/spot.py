"""``spot``: from a picture and its mood to the cue sheet."""

from __future__ import annotations

import random
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from emsync_engine.instructions import PARTS
from emsync_engine.mood import MoodCurve
from emsync_engine.picture import Picture, PictureMarker
from emsync_engine.score import Bar, Key, Score, ScoreHit
from emsync_engine.spotting.cuesheet import CueSheet, SectionPlan
from emsync_engine.spotting.hits import DEFAULT_MIN_GAP, choose_hits
from emsync_engine.spotting.regrid import Kept, Regrid, regrid
from emsync_engine.spotting.rehit import hits_again
from emsync_engine.spotting.sections import Span, find_sections
from emsync_engine.spotting.tempo import Grid, solve

SLOWEST, FASTEST = 72.0, 140.0
"""Tempo in beats a minute at arousal -1 and 1."""
SECTION_SWING = 0.12
"""A section's tempo stays within this ratio of the cue's."""
RITARDANDO = 0.07
"""How much slower than the cue its last bars are wanted."""
CLOSING_S = Fraction(3, 2)
"""The last chord sounds at least this long in a cue of more than ten seconds."""
_LEAST_SILENCE = Fraction(2)
_TONICS = {"major": (0, 2, 3, 5, 7, 9, 10), "minor": (0, 2, 4, 5, 7, 9, 11)}
_MODE_MEMORY = 0.12  # valence within this of neutral keeps the cue's mode


@dataclass(frozen=True)
class SpotOptions:
    """What the user fixed beforehand; None leaves it to the picture."""

    min_gap: Fraction = DEFAULT_MIN_GAP
    tempo: float | None = None
    key: Key | None = None
    parts: tuple[str, ...] | None = None
    seed: int = 1


def spot(picture: Picture, curve: MoodCurve, options: SpotOptions = SpotOptions()) -> CueSheet:
    """Choose hits, sections, tempo map, key and ending for a picture with at least one frame.

    Command-line options beat the timeline's markers, which beat what the mood suggests.
    """
    chosen = choose_hits(picture, options.min_gap, barred=_silenced(picture))
    times = [picture.boundaries[i].hit for i in chosen]
    spans = _spans(picture, curve, times)
    tempo = _tempo_wish(picture, spans, curve.mean(0.0, float(picture.duration))[1], options)
    firm = bool(options.tempo or _valued(picture, "tempo"))
    grid = solve(times, picture.duration, tempo, firm=firm)
    return _sheet(picture, curve, options, chosen, spans, grid)


def respot(
    picture: Picture, curve: MoodCurve, options: SpotOptions, score: Score, kept: Sequence[Kept]
) -> tuple[CueSheet, Regrid]:
    """A cue sheet for a changed picture that keeps the bars of ``score`` over unchanged picture (see ``regrid``)."""
    chosen = hits_again(picture, options.min_gap, score, kept, _silenced(picture))
    times = [picture.boundaries[i].hit for i in chosen]
    spans = _spans(picture, curve, times)
    tempo = _tempo_wish(picture, spans, curve.mean(0.0, float(picture.duration))[1], options)
    result = regrid(score, kept, times, picture.duration, tempo)
    options = replace(options, key=score.key)
    return _sheet(picture, curve, options, chosen, spans, result.grid), result


def _spans(picture: Picture, curve: MoodCurve, times: Sequence[Fraction]) -> list[Span]:
    return find_sections(curve, times, picture.duration, _valued(picture, "section"))


def _sheet(
    picture: Picture,
    curve: MoodCurve,
    options: SpotOptions,
    chosen: Sequence[int],
    spans: Sequence[Span],
    grid: Grid,
) -> CueSheet:
    hits = tuple(
        ScoreHit(tick, picture.boundaries[i].hit, _hit_label(picture, i), picture.boundaries[i].weight, i)
        for tick, i in zip(grid.hit_ticks, chosen)
    )
    key = _choose_key(picture, curve.mean(0.0, float(picture.duration))[0], options)
    return CueSheet(
        title=picture.name,
        duration=picture.duration,
        bars=grid.bars,
        tempo_map=grid.tempo_map,
        hits=hits,
        sections=_plan_sections(picture, spans, grid, key, options),
        key=key,
        final_tick=_final_tick(grid, picture.duration),
        end_tick=grid.end_tick,
        arousal=tuple((b.tick, curve.at(float(grid.tempo_map.seconds(b.tick)))[1]) for b in grid.bars),
        silences=_silences(picture, grid),
        warnings=_unmet_wishes(picture, chosen),
    )


def _valued(picture: Picture, kind: str) -> list[tuple[Fraction, Any]]:
    return [(m.time, m.instruction.value) for m in picture.markers if m.instruction and m.instruction.kind == kind]


def _unmet_wishes(picture: Picture, chosen: Sequence[int]) -> tuple[str, ...]:
    kept = {picture.boundaries[i].hit for i in chosen}
    return tuple(
        f"the hit asked for at {picture.timecode_at(b.hit)} is closer than one fast beat to another hit, the start or "
        "the end; move the marker to use it"
        for b in picture.boundaries
        if b.weight >= 10 and b.hit not in kept
    )


def _hit_label(picture: Picture, index: int) -> str:
    boundary = picture.boundaries[index]
    return boundary.label or (boundary.incoming.name if boundary.incoming else boundary.kind)


def tempo_of_arousal(arousal: float) -> float:
    """Beats a minute wanted at an arousal in [-1, 1] (tempo is the strongest cue of arousal after density)."""
    return SLOWEST + (FASTEST - SLOWEST) * (min(max(arousal, -1.0), 1.0) + 1) / 2


def _tempo_wish(
    picture: Picture, spans: Sequence[Span], arousal: float, options: SpotOptions
) -> Callable[[float], float]:
    base = options.tempo or tempo_of_arousal(arousal)
    marks = [] if options.tempo else sorted(_valued(picture, "tempo"))
    starts = [float(s.start) for s in spans]
    swing = [min(max(tempo_of_arousal(s.arousal) / base, 1 - SECTION_SWING), 1 + SECTION_SWING) for s in spans]
    if options.tempo:
        swing = [1.0] * len(spans)
    mark_times = [float(t) for t, _ in marks]
    slow_from = float(picture.duration) - min(6.0, float(picture.duration) * 0.12)

    def wish(time_s: float) -> float:
        at = bisect_right(mark_times, time_s) - 1
        bpm = marks[at][1] if at >= 0 else base * swing[max(bisect_right(starts, time_s) - 1, 0)]
        if time_s > slow_from:
            bpm *= 1 - RITARDANDO * (time_s - slow_from) / max(float(picture.duration) - slow_from, 1e-6)
        return float(min(max(bpm, 44.0), 190.0))

    return wish


def _choose_key(picture: Picture, valence: float, options: SpotOptions) -> Key:
    if options.key:
        return options.key
    marked = sorted(_valued(picture, "key"))
    if marked:
        tonic, mode = marked[0][1]
        return Key(tonic, mode)
    mode = "major" if valence >= 0 else "minor"
    return Key(random.Random(f"key {options.seed} {picture.name}").choice(_TONICS[mode]), mode)  # type: ignore[arg-type]


def relative(key: Key) -> Key:
    """The relative major or minor: same notes, other mode."""
    if key.mode == "major":
        return Key((key.tonic + 9) % 12, "minor")
    return Key((key.tonic + 3) % 12, "major")


def _plan_sections(
    picture: Picture, spans: Sequence[Span], grid: Grid, key: Key, options: SpotOptions
) -> tuple[SectionPlan, ...]:
    """Sections on bar lines. A section that would be left without a bar is merged into the one before."""
    lines = [b.tick for b in grid.bars]
    ticks = [_nearest_line(lines, grid.tempo_map.tick(s.start)) for s in spans]
    ticks[0] = 0
    kept = [i for i in range(len(spans)) if i == 0 or ticks[i] > max(ticks[:i])]
    part_marks = sorted(_valued(picture, "parts"))
    sections = []
    ends = [*(ticks[i] for i in kept[1:]), grid.end_tick]
    for number, (i, end) in enumerate(zip(kept, ends), start=1):
        span = spans[i]
        local = key
        if abs(span.valence) > _MODE_MEMORY and (span.valence > 0) != (key.mode == "major"):
            local = relative(key)
        sections.append(
            SectionPlan(
                id=f"s{number}",
                name=span.name,
                tick=ticks[i],
                end=end,
                valence=span.valence,
                arousal=span.arousal,
                role=span.role,
                parts=options.parts or _marked_parts(part_marks, span),
                key=local,
            )
        )
    sections[-1] = replace(sections[-1], key=key)  # the cue closes in its own key
    return tuple(sections)


def _marked_parts(marks: Sequence[tuple[Fraction, tuple[str, ...]]], span: Span) -> tuple[str, ...]:
    before = [parts for time, parts in marks if time <= span.start + Fraction(1)]
    return before[-1] if before else PARTS


def _nearest_line(lines: Sequence[int], tick: int) -> int:
    at = bisect_left(lines, tick)
    near = lines[max(at - 1, 0) : at + 1]
    return min(near, key=lambda line: abs(line - tick))


def _final_tick(grid: Grid, duration: Fraction) -> int:
    """Bar line of the closing chord: the last one that leaves it CLOSING_S (half of a shorter cue's rest)."""
    least = CLOSING_S + Fraction(1, 50) if duration > 10 else min(CLOSING_S, duration / 3)
    for bar in reversed(grid.bars):
        if duration - grid.tempo_map.seconds(bar.tick) >= least:
            return bar.tick
    return 0


def _silences(picture: Picture, grid: Grid) -> tuple[tuple[int, int], ...]:
    """Spans of ``silence`` markers: their own duration, else up to the next user instruction or hit, 2 s at least."""
    stops = sorted(
        [m.time for m in picture.markers if m.instruction] + [grid.tempo_map.seconds(t) for t in grid.hit_ticks]
    )
    spans = []
    for marker in picture.markers:
        if marker.instruction and marker.instruction.kind == "silence":
            end = _silence_end(marker, stops, picture.duration)
            spans.append((grid.tempo_map.tick(marker.time), grid.tempo_map.tick(end)))
    return tuple(spans)


def _silenced(picture: Picture) -> set[int]:
    """Boundaries that fall where the user wants silence."""
    quiet = [
        (m.time, m.time + max(m.duration, _LEAST_SILENCE))
        for m in picture.markers
        if m.instruction and m.instruction.kind == "silence"
    ]
    return {i for i, b in enumerate(picture.boundaries) if any(a <= b.hit < z for a, z in quiet)}


def _silence_end(marker: PictureMarker, stops: Sequence[Fraction], duration: Fraction) -> Fraction:
    if marker.duration * 2 > 1:
        return min(marker.time + marker.duration, duration)
    at = bisect_left(stops, marker.time + _LEAST_SILENCE)
    return stops[at] if at < len(stops) else duration


def bars_between(bars: Sequence[Bar], start: int, end: int) -> list[Bar]:
    """Bars that begin in [start, end)."""
    return [b for b in bars if start <= b.tick < end]

"""The lanes above the music: time, hits, shots, edits, dialogue and mood."""

from __future__ import annotations

import base64
from collections import Counter
from fractions import Fraction

import numpy as np

from bridge.report.lane import Lane, count, drawing, path
from bridge.report.markup import escape, number, numbers, place, signed
from bridge.report.view import FloatArray, View, clock_text
from emsync_engine.picture import Boundary, Shot
from emsync_engine.timecode import frames_from_timecode, nominal_fps, supports_drop_frame, timecode_from_frames

RULER_STEPS = (600, 120, 30, 10, 5)  # seconds; a finer mark shows where the zoom leaves it room
MAX_RULER_MARKS = 2000
MAX_MOOD_POINTS = 6000
MOOD_HEIGHT = 112
MOOD_BAND = 0.4
"""Half-width of the uncertainty band where confidence is 0, in units of valence and arousal."""

KIND_WORDS = {
    "cut": "cut", "dissolve": "dissolve", "wipe": "wipe", "from_black": "fade in", "to_black": "fade out",
    "title": "title", "marker": "marker", "overlay": "overlay",
}  # fmt: skip
KIND_PLURALS = {"from_black": "fades in", "to_black": "fades out"}


def ruler_lane(view: View) -> Lane:
    """Record timecode at round seconds, in as much detail as there is room for."""
    picture = view.picture
    marks = []
    fps = nominal_fps(picture.rate)
    drops = picture.drop_frame and supports_drop_frame(picture.rate)
    first = -(-picture.start_frame // fps)
    last = (picture.start_frame + picture.frame_at(Fraction(view.duration_s))) // fps
    steps = [step for step in RULER_STEPS if (last - first) / step <= MAX_RULER_MARKS]
    for second in range(first - first % 5, last + 1, 5):
        level = next((i for i, step in enumerate(steps) if second % step == 0), None)
        text = timecode_from_frames(second * fps, Fraction(fps))
        frame = frames_from_timecode(text, picture.rate, picture.drop_frame) - picture.start_frame
        if drops and second % 60 == 0 and second % 600:
            frame += fps // 15  # drop-frame counting leaves out the first numbers of most minutes
        if level is not None and frame >= 0:
            start_s = float(frame / picture.rate)
            shown = escape(view.timecode(start_s))
            marks.append(f'<b class="fits r{level}" {place(start_s, steps[level])}><span>{shown}</span></b>')
    return Lane("ruler", "Timecode", 26, "".join(marks))


def hits_lane(view: View) -> Lane:
    """A flag at every hit; its line through the other lanes is drawn apart."""
    flags = []
    for index, (hit, room) in enumerate(zip(view.hits, view.rooms([h.time_s for h in view.hits])), start=1):
        label = f"<span>{escape(hit.label)}</span>" if hit.label else ""
        title = escape(f"Hit {index} {hit.label}".strip() + f", {signed(hit.error_s * 1000)} ms")
        flags.append(
            f'<a class="flag" id="hit-{index}" href="#hit-row-{index}" {place(hit.time_s, room)} title="{title}">'
            f"<b>{index}</b>{label}</a>"
        )
    return Lane("hits", "Hits", 26, "".join(flags), note=f"{len(view.hits):,}" if view.hits else "none")


def hit_lines(view: View) -> str:
    """The hits' vertical lines, to lie over all lanes."""
    return "".join(f"<i {place(hit.time_s)}></i>" for hit in view.hits)


def shots_lane(view: View) -> Lane:
    """The strip of pictures."""
    body = "".join(_shot(view, index, shot) for index, shot in enumerate(view.picture.shots))
    offline = sum(1 for shot in view.picture.shots if not shot.online and shot.media)
    note = count(len(view.picture.shots), "shot") + (f", {offline:,} offline" if offline else "")
    return Lane("shots", "Picture", 96, body, note=note)


def _shot(view: View, index: int, shot: Shot) -> str:
    name = escape(shot.name or "untitled")
    speed = "" if shot.speed == 1 else ", frozen" if shot.speed == 0 else f", {float(shot.speed):g}× speed"
    span = f"{view.timecode(float(shot.start))}, {clock_text(float(shot.duration), 2)}{speed}"
    image = view.thumbnails.get(index)
    if image:
        data = base64.b64encode(image).decode("ascii")
        inner = f'<img alt="" src="data:image/jpeg;base64,{data}">'
    else:
        inner = "<u></u>"
    state = "" if shot.online else " offline"
    return (
        f'<div class="shot{state}" {place(float(shot.start), float(shot.duration))} '
        f'title="{name}, {escape(span)}{"" if shot.online else ", offline"}">{inner}'
        f'<span class="fits"><span>{name}</span></span></div>'
    )


def edits_lane(view: View) -> Lane:
    """A mark a boundary, by kind; a transition is drawn over its span."""
    spans: list[str] = []
    marks: list[str] = []
    for boundary in view.picture.boundaries:
        words = escape(_boundary_words(view, boundary))
        kind = f"{boundary.kind}{' through' if boundary.through else ''}"
        if boundary.span and boundary.span[1] > boundary.span[0]:
            start, end = map(float, boundary.span)
            spans.append(f'<s class="{kind}" {place(start, end - start)} title="{words}"></s>')
        marks.append(f'<i class="{kind}" {place(float(boundary.hit))} title="{words}"></i>')
    return Lane("edits", "Edits", 24, "".join(spans + marks), note=f"{len(view.picture.boundaries):,}")


def _boundary_words(view: View, boundary: Boundary) -> str:
    names = [side.name if side else "black" for side in (boundary.outgoing, boundary.incoming)]
    between = f", {names[0]} to {names[1]}" if boundary.picture else ""
    label = f" {boundary.label}" if boundary.label else ""
    through = " (through edit)" if boundary.through else ""
    return f"{KIND_WORDS[boundary.kind]}{label} at {view.timecode(float(boundary.time))}{between}{through}"


def edit_counts(view: View) -> list[tuple[str, str]]:
    """(kind, ``12 cuts``) of the kinds that occur, in the order of the table above."""
    kinds: Counter[str] = Counter(boundary.kind for boundary in view.picture.boundaries)
    return [
        (kind, count(kinds[kind], word, KIND_PLURALS.get(kind, ""))) for kind, word in KIND_WORDS.items() if kinds[kind]
    ]


def dialogue_lane(view: View) -> Lane | None:
    """Where people speak, None when nobody is known to."""
    if not view.picture.dialogue:
        return None
    spans = [(float(a), float(b)) for a, b in view.picture.dialogue]
    shape = "".join(f"M{number(a)} 3h{number(b - a)}v6h{number(a - b)}z" for a, b in spans)
    spoken = clock_text(sum(b - a for a, b in spans), 0)
    label = f"{count(len(spans), 'stretch', 'stretches')} of dialogue, {spoken} in all"
    return Lane("dialogue", "Dialogue", 12, drawing(path("speech", shape), view.duration_s, 12, label))


def mood_lane(view: View) -> Lane:
    """Valence and arousal; the band around a line is wide where little supports it."""
    mood = view.mood
    step = max(1, -(-len(mood.time_s) // MAX_MOOD_POINTS))
    times, confidence = _thin(mood.time_s, step), _thin(mood.confidence, step)
    if len(times):
        times[0], times[-1] = mood.time_s[0], mood.time_s[-1]
    parts = [f'<path class="zero" d="M0 {MOOD_HEIGHT / 2:g}H{number(view.duration_s)}"/>']
    lines = [("valence", _thin(mood.valence, step)), ("arousal", _thin(mood.arousal, step))]
    for name, values in lines:
        parts.append(path(f"band {name}", _band(times, values, (1 - np.clip(confidence, 0, 1)) * MOOD_BAND)))
    for name, values in lines:
        parts.append(path(f"curve {name}", _polyline(times, _mood_y(values))))
    label = "Mood. " + ", ".join(
        f"{name} from {signed(float(values.min()))} to {signed(float(values.max()))}"
        for name, values in lines
        if len(values)
    )
    scale = '<span class="scale" aria-hidden="true"><em>+1</em><em>0</em><em>\N{MINUS SIGN}1</em></span>'
    note = '<span class="ink valence">valence</span><span class="ink arousal">arousal</span>'
    return Lane("mood", "Mood", MOOD_HEIGHT, drawing("".join(parts), view.duration_s, MOOD_HEIGHT, label), note, scale)


def _thin(values: FloatArray, step: int) -> FloatArray:
    """Means of runs of ``step`` samples; what is not a number counts as 0."""
    clean = np.nan_to_num(np.array(values, dtype=np.float64))
    if step == 1 or not len(clean):
        return clean
    firsts = np.arange(0, len(clean), step)
    return np.add.reduceat(clean, firsts) / np.diff(np.append(firsts, len(clean)))


def _mood_y(values: FloatArray) -> FloatArray:
    inner = MOOD_HEIGHT - 8
    return 4 + (1 - np.clip(values, -1, 1)) / 2 * inner


def _polyline(times: FloatArray, ys: FloatArray) -> str:
    return "M" + "L".join(f"{x} {y}" for x, y in zip(numbers(times, 2), numbers(ys, 1))) if len(times) else ""


def _band(times: FloatArray, values: FloatArray, half: FloatArray) -> str:
    if not len(times):
        return ""
    upper, lower = _mood_y(values + half), _mood_y(values - half)
    return _polyline(np.concatenate([times, times[::-1]]), np.concatenate([upper, lower[::-1]])) + "z"

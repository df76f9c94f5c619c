"""The timeline: all lanes over one time axis, the lines that run through them, the controls and the key."""

from __future__ import annotations

from bridge.report.lane import lane_html
from bridge.report.markup import number, script_json
from bridge.report.music_lanes import bar_lines, chords_lane, sections_lane, tempo_lane
from bridge.report.picture_lanes import (
    dialogue_lane,
    edit_counts,
    edits_lane,
    hit_lines,
    hits_lane,
    mood_lane,
    ruler_lane,
    shots_lane,
)
from bridge.report.rolls import part_lane
from bridge.report.view import View

AXIS_PX = 1040  # what a desktop page leaves for the axis
SCALE_RANGE = (14.0, 48.0)  # pixels a second at first sight, where the whole cue does not fit


def timeline_html(view: View) -> str:
    """The section with the player, the zoom, the stack of lanes and the key to its marks."""
    scale = max(SCALE_RANGE[0], min(SCALE_RANGE[1], AXIS_PX / view.duration_s))
    return (
        '<section class="timeline" aria-labelledby="timeline-title">'
        f'<header class="bar-top"><h2 id="timeline-title">Timeline</h2>{_CONTROLS}</header>'
        f'<div class="stage" id="stage" tabindex="0" role="region" aria-label="Timeline, scrolls sideways" '
        f'style="--duration:{number(view.duration_s)};--s:{number(scale)}px">'
        f'<div class="stack">{_picture(view)}{_music(view)}'
        f'<div class="over lines" aria-hidden="true"><div class="gutter"></div><div class="body">{hit_lines(view)}'
        '<i class="playhead" id="playhead" hidden></i></div></div>'
        f'</div></div>{_key(view)}<script type="application/json" id="cue">{_cue_json(view)}</script></section>'
    )


def _picture(view: View) -> str:
    """What is seen, and what was read from it."""
    lanes = [
        ruler_lane(view),
        hits_lane(view),
        shots_lane(view),
        edits_lane(view),
        dialogue_lane(view),
        mood_lane(view),
    ]
    return "".join(lane_html(lane) for lane in lanes if lane is not None)


def _music(view: View) -> str:
    """The plan and the parts, with bar lines behind them."""
    lanes = [tempo_lane(view), chords_lane(view), *(part_lane(view, part) for part in view.score.parts)]
    grid = f'<div class="over"><div class="gutter"></div><div class="body">{bar_lines(view)}</div></div>'
    rows = "".join(lane_html(lane) for lane in lanes)
    return f'{lane_html(sections_lane(view))}<div class="music">{grid}{rows}</div>'


_CONTROLS = (
    '<audio id="sound" src="score.wav" controls preload="metadata" aria-label="The score"></audio>'
    '<p class="readout" id="readout" aria-live="off" hidden></p>'
    '<div class="zoom" id="zoom" role="group" aria-label="Zoom" hidden>'
    '<button type="button" data-zoom="out" title="Zoom out (−)" aria-label="Zoom out">−</button>'
    '<input type="range" id="scale" min="0" max="1" step="any" aria-label="Zoom">'
    '<button type="button" data-zoom="in" title="Zoom in (+)" aria-label="Zoom in">+</button>'
    '<button type="button" data-zoom="fit" title="Show the whole cue (0)">Fit</button></div>'
)


def _key(view: View) -> str:
    """What the marks mean, as far as they occur."""
    edits = "".join(f'<li><i class="{kind}"></i>{words}</li>' for kind, words in edit_counts(view))
    through = any(boundary.through for boundary in view.picture.boundaries)
    edits += '<li><i class="cut through"></i>through edit</li>' if through else ""
    bands = "".join(f'<i class="v{band}"></i>' for band in range(5))
    return (
        f'<ul class="key" aria-label="Key">{edits}<li><i class="hit"></i>hit</li>'
        '<li><i class="unsure"></i>mood: the wider the band, the less the evidence</li>'
        f'<li class="velocity">soft {bands} loud</li></ul>'
    )


def _cue_json(view: View) -> str:
    """What the script needs to name a moment: frame rate and counting, bar starts and their beats."""
    picture = view.picture
    return script_json(
        {
            "rate": float(picture.rate),
            "start": picture.start_frame,
            "drop": picture.drop_frame,
            "duration": round(view.duration_s, 3),
            "bars": [round(t, 3) for t in view.bar_starts_s.tolist()],
            "beats": [bar.beats for bar in view.score.bars],
        }
    )

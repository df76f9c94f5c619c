"""The tables under the timeline: hits, sections, tempo map, takes, rights and warnings."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from bridge.report.markup import escape, signed, table
from bridge.report.music_lanes import mood_colour
from bridge.report.view import View, bar_beat_text, clock_text

OPEN_ROWS = 40
OPEN_TEMPOS = 16
"""A longer table is folded away at first."""
FINE_MS = 1.0
"""A hit within this is on the frame by any measure."""


def hits_table(view: View) -> str:
    """Every hit with its error."""
    worst = max((abs(hit.error_s) for hit in view.hits), default=0.0)
    rows = [
        (
            f'<a href="#hit-{index}" title="Show in the timeline">{index}</a>',
            escape(hit.label) or '<span class="faint">–</span>',
            escape(view.timecode(hit.time_s)),
            clock_text(hit.time_s),
            bar_beat_text(hit.bar, hit.beat),
            _error(hit.error_s, max(worst, FINE_MS / 1000)),
        )
        for index, hit in enumerate(view.hits, start=1)
    ]
    head = [("Hit", "n"), ("At", "grow"), ("Timecode", "n"), ("Time", "n more"), ("Bar", "n"), ("Error, ms", "n error")]
    ids = [f"hit-row-{index}" for index in range(1, len(rows) + 1)]
    return _section("hits-table", "Hits", table("Hits", head, rows, ids), len(rows), empty="The music aims at no cut.")


def _error(error_s: float, scale_s: float) -> str:
    share = max(-1.0, min(1.0, error_s / scale_s))
    state = "" if abs(error_s) * 1000 <= FINE_MS else " off"
    return f'<span class="needle{state}" style="--e:{share:.3f}" aria-hidden="true"></span>{signed(error_s * 1000)}'


def sections_table(view: View) -> str:
    """Every section with its place, mood and take."""
    rows = [
        (
            f'<i class="swatch" style="background:{mood_colour(s.valence, s.arousal)}"></i>{escape(s.name)}',
            f"{view.bar_beat(s.tick)}–{view.bar_beat(s.end)}",
            clock_text(view.clock.at(s.tick), 2),
            clock_text(view.clock.at(s.end) - view.clock.at(s.tick), 2),
            signed(s.valence),
            signed(s.arousal),
            escape(s.role),
            str(s.take),
            str(s.seed),
        )
        for s in view.score.sections
    ]
    head = [("Section", "grow"), ("Bars", "n"), ("Starts", "n"), ("Lasts", "n"), ("Valence", "n"), ("Arousal", "n"),
            ("Form", ""), ("Take", "n"), ("Seed", "n")]  # fmt: skip
    return _section(
        "sections-table", "Sections", table("Sections", head, rows), len(rows), empty="One stretch of music."
    )


def tempo_table(view: View) -> str:
    """The tempo map, event by event."""
    events = view.score.tempo_map.events
    rows = []
    for before, event in zip((None, *events), events):
        step = "" if before is None else f"{signed((event.bpm / before.bpm - 1) * 100, 1)} %"
        rows.append(
            (
                view.bar_beat(event.tick),
                escape(view.timecode(view.clock.at(event.tick))),
                clock_text(view.clock.at(event.tick)),
                f"{event.bpm:.2f}",
                step + (' <span class="tag">forced</span>' if event.forced else ""),
            )
        )
    head = [("Bar", "n"), ("Timecode", "n"), ("Time", "n more"), ("Bpm", "n"), ("Step", "n")]
    return _section("tempo-table", "Tempo map", table("Tempo map", head, rows), len(rows), most=OPEN_TEMPOS)


def takes_table(takes: Sequence[Mapping[str, Any]]) -> str:
    """The history: whatever the takes record, a column a key."""
    keys = list(dict.fromkeys(key for take in takes for key in take))
    rows = [[_value(take.get(key)) for key in keys] for take in takes]
    head = [(_title(key), "n" if _numeric(takes, key) else "") for key in keys]
    content = table("Takes", head, rows) if keys else ""
    return _section("takes-table", "Takes", content, len(rows), empty="The first take.")


def _title(key: str) -> str:
    words = key.removesuffix("_s").replace("_", " ")
    return words[:1].upper() + words[1:] + (", s" if key.endswith("_s") else "")


def _numeric(takes: Sequence[Mapping[str, Any]], key: str) -> bool:
    values = [take[key] for take in takes if take.get(key) is not None]
    return bool(values) and all(isinstance(v, int | float) and not isinstance(v, bool) for v in values)


def _value(value: Any) -> str:
    if value is None or value == "":
        return '<span class="faint">–</span>'
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.3f}".rstrip("0").rstrip(".")
    if isinstance(value, list | tuple) and all(isinstance(item, str | int) for item in value):
        return escape(", ".join(map(str, value)))
    if isinstance(value, Mapping | list | tuple):
        return f"<code>{escape(json.dumps(value, default=str, ensure_ascii=False))}</code>"
    return escape(value)


def rights_list(rights: Mapping[str, str]) -> str:
    """Who made what, under which terms."""
    rows = "".join(f"<div><dt>{escape(_title(key))}</dt><dd>{escape(text)}</dd></div>" for key, text in rights.items())
    return _section("rights", "Rights", f"<dl>{rows}</dl>" if rows else "", 0, empty="Nothing to say.")


def warnings_list(warnings: Sequence[str]) -> str:
    """What the reader and the watcher had to say."""
    rows = "".join(f"<li>{escape(warning)}</li>" for warning in warnings)
    return _section("warnings", "Warnings", f"<ul>{rows}</ul>" if rows else "", len(warnings), empty="None.")


def _section(identity: str, title: str, content: str, rows: int, empty: str = "", most: int = OPEN_ROWS) -> str:
    """A titled part of the page; a long table starts folded."""
    number = f' <small class="tally">{rows:,}</small>' if rows > 1 else ""
    heading = f"<h2>{escape(title)}{number}</h2>"
    if not content or (rows == 0 and "<dl>" not in content):
        return f'<section id="{identity}">{heading}<p class="faint">{escape(empty)}</p></section>'
    if rows > most:
        return f'<section id="{identity}"><details><summary>{heading}</summary>{content}</details></section>'
    return f'<section id="{identity}">{heading}{content}</section>'

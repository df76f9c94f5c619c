"""The tables under the timeline: hits, sections, tempo map, takes, rights and warnings."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from bridge.report.markup import escape, signed, table
from bridge.report.music_lanes import mood_colour
from bridge.report.view import View, bar_beat_text, clock_text

OPEN_ROWS = 40
OPEN_TEMPOS = 16
"""A longer table is folded away at first."""
BOOKKEEPING = frozenset({"file", "sha256", "current"})
"""Keys of a take that are of no interest to a reader."""
NOTHING: tuple[object, ...] = (None, "", (), [], {})
FINE_MS = 1.0
"""A hit within this is on the frame by any measure."""

_CURRENT = ' <span class="tag">current</span>'
_DATE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d.*")
_SLASH = r"[/\\]"
_PATH = re.compile(rf"(?:[A-Za-z]:)?{_SLASH}.*[^/\\]|file://.*[^/]")


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
    """The history: a column for every key that says something, less the bookkeeping."""
    keys = list(dict.fromkeys(key for take in takes for key in take if key not in BOOKKEEPING))
    keys = [key for key in keys if any(take.get(key) not in NOTHING for take in takes)]
    rows = [
        [_value(take.get(key)) + (_CURRENT if key == keys[0] and take.get("current") else "") for key in keys]
        for take in takes
    ]
    head = [("Take" if key == "number" else _title(key), "n" if _numeric(takes, key) else "") for key in keys]
    content = table("Takes", head, rows) if keys else ""
    return _section("takes-table", "Takes", content, len(rows), empty="The first take.")


def _title(key: str) -> str:
    words = key.removesuffix("_s").replace("_", " ")
    return words[:1].upper() + words[1:] + (", s" if key.endswith("_s") else "")


def _numeric(takes: Sequence[Mapping[str, Any]], key: str) -> bool:
    values = [take[key] for take in takes if take.get(key) is not None]
    return bool(values) and all(isinstance(v, int | float) and not isinstance(v, bool) for v in values)


def _value(value: Any) -> str:
    """A value of any shape in a few words: paths by their names, mappings as pairs."""
    if value in NOTHING:
        return '<span class="faint">–</span>'
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.3f}".rstrip("0").rstrip(".")
    if isinstance(value, Mapping):
        pairs = (f'<span class="faint">{escape(_title(str(k)))}</span> {_value(v)}' for k, v in value.items())
        return "<br>".join(pairs)
    if isinstance(value, list | tuple):
        return ", ".join(_value(item) for item in value)
    if isinstance(value, str) and _DATE.fullmatch(value):
        return escape(value[:16].replace("T", " "))
    if isinstance(value, str) and _PATH.fullmatch(value):
        return f'<span title="{escape(value)}">{escape(re.split(_SLASH, value)[-1])}</span>'
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

"""``report_html``: the picture of a cue as one page that needs nothing but a browser."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from bridge.report.lane import count
from bridge.report.markup import escape, signed
from bridge.report.stack import timeline_html
from bridge.report.tables import (
    FINE_MS,
    hits_table,
    rights_list,
    sections_table,
    takes_table,
    tempo_table,
    warnings_list,
)
from bridge.report.view import HitReport, View, clock_text, key_text
from emsync_engine.mood.curve import MoodCurve
from emsync_engine.picture import Picture
from emsync_engine.score import Score
from emsync_engine.timecode import rate_text


def report_html(
    *,
    picture: Picture,
    mood: MoodCurve,
    score: Score,
    hits: Sequence[HitReport],
    rights: Mapping[str, str],
    takes: Sequence[Mapping[str, Any]],
    warnings: Sequence[str],
    thumbnails: Mapping[int, bytes] | None = None,
) -> str:
    """The report as one HTML document: no other file, no network; it plays ``score.wav`` when that lies beside it.

    Args:
        picture: what is seen; gives the time axis and the timecode.
        mood: the curve that the score was made for.
        score: the music.
        hits: how each hit came out, by time.
        rights: statements by subject, such as ``{"soundfont": "..."}``.
        takes: the history, newest last; each mapping's keys become columns.
        warnings: sentences for the reader.
        thumbnails: JPEG bytes by shot index, see ``bridge.report.thumbs.thumbnails``.
    """
    view = View(picture, mood, score, sorted(hits, key=lambda hit: hit.time_s), thumbnails or {})
    script = _asset("report.js")
    tables = "".join(
        [
            hits_table(view),
            f'<div class="aside">{rights_list(rights)}{warnings_list(warnings)}</div>',
            sections_table(view),
            tempo_table(view),
            takes_table(takes),
        ]
    )
    return (
        f'<!doctype html>\n<html lang="en">\n<head>\n{_head(view, script)}</head>\n<body>\n'
        '<a class="skip" href="#hits-table">Skip the timeline</a>\n'
        f"<main>\n{_header(view, len(warnings))}\n{timeline_html(view)}\n"
        f'<div class="tables">{tables}</div>\n</main>\n'
        f"<script>{script}</script>\n</body>\n</html>\n"
    )


def _head(view: View, script: str) -> str:
    """Metadata, and a policy under which nothing but this file, its own script and the sound can load."""
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = (
        f"default-src 'none'; script-src 'sha256-{digest}'; style-src 'unsafe-inline'; img-src data:; "
        "media-src 'self' file:; base-uri 'none'; form-action 'none'"
    )
    return (
        '<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        '<meta name="generator" content="EMSYNC">\n'
        f"<title>{escape(_title(view))} – score report</title>\n<style>{_asset('report.css')}</style>\n"
    )


@cache
def _asset(name: str) -> str:
    return (Path(__file__).parent / name).read_text("utf-8")


def _title(view: View) -> str:
    return view.score.title or view.picture.name or "Untitled cue"


def _header(view: View, warnings: int) -> str:
    facts = "".join(f"<div><dt>{name}</dt><dd>{value}</dd></div>" for name, value in _facts(view))
    link = f'<a href="#warnings">{count(warnings, "warning")}</a>' if warnings else ""
    return (
        f'<header class="top"><p class="kicker">EMSYNC score report</p><h1>{escape(_title(view))}</h1>'
        f'<p class="lede">{_lede(view)} {link}</p><dl class="facts">{facts}</dl></header>'
    )


def _lede(view: View) -> str:
    """One sentence on what matters most: whether the music lands."""
    if not view.hits:
        return "No hits were asked for."
    worst = max(abs(hit.error_s) for hit in view.hits) * 1000
    if worst <= FINE_MS:
        every = f"All {len(view.hits):,} hits land" if len(view.hits) > 1 else "The one hit lands"
        return f"{every} within {max(worst, 0.01):.2f} ms of the picture."
    off = sum(1 for hit in view.hits if abs(hit.error_s) * 1000 > FINE_MS)
    which = f"{off:,} of {len(view.hits):,} hits" if len(view.hits) > 1 else "The one hit"
    return f"{which} {'is' if off == 1 else 'are'} more than {FINE_MS:g} ms away, {worst:.1f} ms at worst."


def _facts(view: View) -> list[tuple[str, str]]:
    score, picture = view.score, view.picture
    rates = [event.bpm for event in score.tempo_map.events]
    low, high = min(rates), max(rates)
    tempo = f"{low:.1f} bpm" if high - low < 0.05 else f"{low:.0f}–{high:.0f} bpm"
    valence, arousal = view.mood.mean(0.0, view.duration_s) if len(view.mood.time_s) else (0.0, 0.0)
    notes = sum(len(part.notes) for part in score.parts)
    drop = " drop-frame" if picture.drop_frame else ""
    return [
        ("Duration", f"{clock_text(float(picture.duration))}"),
        ("Starts at", escape(picture.start_timecode)),
        ("Frame rate", escape(rate_text(picture.rate)) + drop),
        ("Key", escape(key_text(score.key))),
        ("Tempo", tempo),
        ("Bars", f"{len(score.bars):,}"),
        ("Valence / arousal", f"{signed(valence)} / {signed(arousal)}"),
        ("Notes", f"{notes:,} in {count(len(score.parts), 'part')}"),
        ("Engine", escape(score.engine)),
        ("Seed", str(score.seed)),
    ]

"""When the picture changes: the new cut's score, with everything over unchanged picture left as it was."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from bridge import derive
from bridge.derive import Cue, Progress
from bridge.files import only_writer
from bridge.folder import Cut, ScoreFolder, Take, add_cut, add_take, cut_timeline_file
from bridge.pipeline import (
    ScoreRequest,
    _commit,
    _discarded_on_failure,
    _entry,
    _with_base,
    answer,
    effective,
    mood_of,
    read,
)
from bridge.settings import Settings
from emsync_engine.errors import InputError
from emsync_engine.measure import count_changes
from emsync_engine.picture import Picture
from emsync_engine.picture_range import CueRange, cue_ranges, picture_between
from emsync_engine.rules.conform import conform as conform_score
from emsync_engine.spotting import respot
from otio_adapters.conform import Change, changes, kept_spans

CHANGES = "changes.txt"


@dataclass(frozen=True)
class ConformRequest:
    """``emsync conform``."""

    folder: Path
    source: Path
    settings: Settings = field(default_factory=Settings)


def conform(request: ConformRequest, progress: Progress) -> dict[str, Any]:
    """Fit a score to a new cut of its picture. The answer of ``emsync conform --json``."""
    folder = ScoreFolder(request.folder)
    progress(0.0, "reading the timeline")
    asked = ScoreRequest(request.source, settings=request.settings)
    whole = read(asked)
    if not whole.shots:
        raise InputError("there is no picture in this timeline to conform to", str(request.source), "no_picture")
    with only_writer(request.folder, waiting=lambda: progress(0.0, "waiting for another emsync to finish")):
        folder.recover()
        document, old = folder.document(), folder.take()
        entry = document.entry(document.current)
        before = folder.cut(entry.cut)
        cue = _same_cue(whole, before)
        picture = picture_between(whole, cue.start, cue.end)
        kept = kept_spans(before.picture, picture)
        rows = changes(before.picture, picture, kept)
        wishes = effective(asked, picture)
        progress(0.0, "watching the picture")
        mood = mood_of(picture, wishes, progress)
        progress(0.0, "composing what changed")
        options = replace(wishes.spot, key=old.score.key, parts=tuple(p.id for p in old.score.parts))
        sheet, grid = respot(_with_base(picture, wishes), mood, options, old.score, kept)
        take = Take(conform_score(old.score, sheet, grid, kept), sheet)
        cut = Cut(
            title=before.title,
            source=str(request.source.resolve()),
            offset=Fraction(round(cue.start * picture.rate)) / picture.rate,
            picture=picture,
            mood=mood,
            warnings=(*picture.warnings, *mood.warnings, *sheet.warnings),
        )
        staging = folder.stage()
        with _discarded_on_failure(folder, staging):
            number = add_cut(folder, document, staging, cut, derive.plain_timeline(request.source, picture))
            changed = count_changes(old.score, take.score)
            made = _entry("conform", entry.engine, entry.seed, entry.number, {"source": str(request.source)}, changed)
            document = add_take(document, staging, take, replace(made, cut=number))
            (staging / CHANGES).write_text(change_list(rows, before.picture, picture), encoding="utf-8")
            home = staging if (staging / cut_timeline_file(number)).is_file() else folder.path
            final = Cue(folder.path, cut, home / cut_timeline_file(number), take)
            written = _commit(folder, document, final, staging, progress)
    return {**answer(folder, written, final), "changes": [r.to_json() for r in rows],
            "kept_s": float(sum(k.length for k in kept))}  # fmt: skip


def _same_cue(whole: Picture, before: Cut) -> CueRange:
    """The cue of the new timeline that the old one has become: by name, else at the same place."""
    cues = cue_ranges(whole)
    named = [c for c in cues if c.name and c.name == before.title]
    if named:
        return named[0]
    if before.offset == 0 and not cues[0].name:
        return cues[0]
    end = min(before.offset + before.picture.duration, whole.duration)
    return CueRange(before.title, min(before.offset, whole.duration), end)


def change_list(rows: list[Change], old: Picture, new: Picture) -> str:
    """The change list for people: old and new record timecode, length in frames, what happened to which clip."""
    lines = [f"{'old timecode':<25} {'new timecode':<25} {'frames':>7}  change"]
    for row in rows:
        span = row.new or row.old
        frames = round((span[1] - span[0]) * new.rate) if span else 0
        lines.append(f"{_range(row.old, old):<25} {_range(row.new, new):<25} {frames:>7}  {_words(row, new)}")
    return "\n".join(lines) + "\n"


def _range(span: tuple[Fraction, Fraction] | None, picture: Picture) -> str:
    return f"{picture.timecode_at(span[0])}-{picture.timecode_at(span[1])}" if span else "-"


def _words(row: Change, new: Picture) -> str:
    if row.kind == "move" and row.old and row.new:
        frames = round((row.new[0] - row.old[0]) * new.rate)
        return f"moved by {frames:+d} frames: {row.name}"
    return {"keep": "kept", "insert": "new", "delete": "deleted", "retime": "re-timed"}[row.kind] + f": {row.name}"

"""When the picture changes: the new cut's score, with everything over unchanged picture left as it was."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from bridge import derive
from bridge.derive import Cue, Progress
from bridge.files import look_at, only_writer
from bridge.folder import Cut, Document, ScoreFolder, Take, add_cut, add_take, cut_timeline_file
from bridge.pipeline import ScoreRequest, _with_base, effective, mood_of, read, with_dialogue
from bridge.remember import Remembered, recalled, request_json, with_given
from bridge.settings import Settings
from bridge.writing import answer, commit, discarded_on_failure, take_entry
from emsync_engine.errors import InputError
from emsync_engine.measure import count_changes
from emsync_engine.picture import Picture
from emsync_engine.picture_range import CueRange, cue_ranges, picture_between
from emsync_engine.rules.conform import changed_regions, with_old_sections
from emsync_engine.rules.conform import conform as conform_score
from emsync_engine.score import Score
from emsync_engine.spotting import respot
from emsync_engine.spotting.cuesheet import CueSheet
from emsync_engine.spotting.regrade import regraded
from emsync_engine.spotting.regrid import Kept
from otio_adapters.by_length import Look, is_bare
from otio_adapters.change_list import change_text, changes
from otio_adapters.conform import Comparison, compare
from otio_adapters.orders import unheeded, with_room_for_hits

CHANGES = "changes.txt"


@dataclass(frozen=True)
class ConformRequest:
    """``emsync conform``. What is not given is as the score was asked for."""

    folder: Path
    source: Path
    settings: Settings = field(default_factory=Settings)
    detect_within: bool = False


def conform(request: ConformRequest, progress: Progress) -> dict[str, Any]:
    """Fit a score to a new cut of its picture. The answer of ``emsync conform --json``."""
    folder = ScoreFolder(request.folder)
    with only_writer(request.folder, waiting=lambda: progress(0.0, "waiting for another emsync to finish")):
        folder.recover()
        document, old = folder.document(), folder.take()
        entry = document.entry(document.current)
        before, asked = folder.cut(entry.cut), recalled(document, entry.number)
        progress(0.0, "reading the timeline")
        again, look = _asked_again(request, asked), look_at(request.source)
        whole = read(again)
        if not whole.shots:
            raise InputError(
                "there is no picture in this timeline to conform to", str(request.source), code="no_picture"
            )
        cue = _same_cue(whole, before, ranged=asked.ranged)
        picture = picture_between(whole, cue.start, cue.end)
        progress(0.0, "comparing the cuts")
        cuts = compare(before.picture, picture, _look(before.picture, picture))
        score = _on_new_frames(old.score, cuts)
        kept = with_room_for_hits(cuts, [h.time for h in score.hits])
        engine = request.settings.engine or entry.engine
        take, cut = _composed(replace(old, score=score), before, again, cuts, kept, cue, engine, progress)
        rows = changes(cuts)
        notes = _notes(old, document, take, cuts, kept, again.settings)
        notes += _seen_before(folder, document, picture)
        staging = folder.stage()
        with discarded_on_failure(folder, staging):
            number = add_cut(folder, document, staging, cut, derive.plain_timeline(request.source, picture))
            ranged = asked.ranged or cue.start > 0
            said = request_json(request.source, look, again.settings, within=again.detect_within, ranged=ranged)
            counted = count_changes(old.score, take.score)
            made = take_entry("conform", engine, take.score.seed, entry.number, said, counted)
            document = add_take(document, staging, take, replace(made, cut=number))
            (staging / CHANGES).write_text(change_text(rows, cuts), encoding="utf-8", errors="replace")
            home = staging if (staging / cut_timeline_file(number)).is_file() else folder.path
            final = Cue(folder.path, cut, home / cut_timeline_file(number), take)
            font = effective(again, picture).soundfont
            written = commit(folder, document, final, staging, progress, soundfont=font)
    said_now = answer(folder, written, final)
    return {
        **said_now,
        "changes": [r.to_json() for r in rows],
        "kept_s": float(sum(k.length for k in kept)),
        "warnings": [*said_now["warnings"], *notes],
    }


def _look(old: Picture, new: Picture) -> Look | None:
    """A look at the frames where there is no timeline on both sides to compare."""
    if not (is_bare(old) or is_bare(new)):
        return None
    from bridge.lookalike import look_between  # heavy: only where it is needed

    return look_between(old, new)


def _asked_again(request: ConformRequest, asked: Remembered) -> ScoreRequest:
    """The request that the score was made with, for the new timeline, with what is given now on top."""
    settings = with_given(request.settings, asked.settings)
    if request.settings.rate is None and Path(asked.source).suffix.lower() != request.source.suffix.lower():
        settings = replace(settings, rate=None)  # the rate of an EDL says nothing about another format
    return ScoreRequest(request.source, settings=settings, detect_within=request.detect_within or asked.within)


def _composed(
    old: Take,
    before: Cut,
    asked: ScoreRequest,
    cuts: Comparison,
    kept: Sequence[Kept],
    cue: CueRange,
    engine: str,
    progress: Progress,
) -> tuple[Take, Cut]:
    """The new take and what it is made for; ``engine`` composes what is new."""
    picture = with_dialogue(cuts.new, progress)
    wishes = effective(asked, picture)
    progress(0.0, "watching the picture")
    mood = mood_of(picture, wishes, progress)
    progress(0.0, "composing what changed")
    sheet, grid = respot(_with_base(picture, wishes), mood, wishes.spot, old.score, kept)
    sheet = with_old_sections(sheet, old.score, grid, kept)
    seed = old.score.seed if asked.settings.seed is None else asked.settings.seed
    score = conform_score(replace(old.score, engine=engine), sheet, grid, kept, seed=seed)
    if engine != "rules":
        score = _composed_by(engine, score, sheet, changed_regions(sheet, old.score, grid, kept), seed, progress)
    take = Take(score, sheet)
    cut = Cut(
        title=before.title,
        source=str(asked.source.resolve()),
        offset=Fraction(round(cue.start * picture.rate)) / picture.rate,
        picture=picture,
        mood=mood,
        warnings=(*picture.warnings, *mood.warnings, *sheet.warnings),
    )
    return take, cut


def _composed_by(
    engine: str, score: Score, sheet: CueSheet, regions: Sequence[tuple[int, int]], seed: int, progress: Progress
) -> Score:
    """The score with its new regions composed by an engine, which hears what was kept around them."""
    from emsync_engine.composers import composer_of  # heavy: only where it is needed

    composer, parts, new = composer_of(engine), [p.id for p in score.parts], score
    for number, (start, end) in enumerate(regions):

        def on_progress(done: float, before: int = number) -> None:
            progress((before + done) / len(regions), "composing what changed")

        new = composer.recompose(new, sheet, start, end, parts, seed, None, on_progress)
    return replace(new, sections=score.sections)


def _on_new_frames(score: Score, cuts: Comparison) -> Score:
    """The old score where the new cut has another frame rate: its hits on that rate's frames."""
    if cuts.regraded is cuts.old:
        return score
    moved = {a.hit: b.hit for a, b in zip(cuts.old.boundaries, cuts.regraded.boundaries)}
    return regraded(score, cuts.regraded.duration, lambda t: moved.get(t, t * cuts.scale))


def _same_cue(whole: Picture, before: Cut, *, ranged: bool) -> CueRange:
    """The cue of the new timeline that the old one has become: by name, else where its picture is now."""
    cues = cue_ranges(whole)
    named = [c for c in cues if c.name and c.name == before.title]
    if named:
        return named[0]
    if before.offset == 0 and not ranged and not cues[0].name:
        return cues[0]
    start, end = _place(whole, before)
    return CueRange(before.title, start, end)


def _place(whole: Picture, before: Cut) -> tuple[Fraction, Fraction]:
    """Where the picture of a cue lies in the new timeline; at its old place when none of it is there any more."""
    spans = _in_order(compare(before.picture, whole).kept)
    if not spans:
        return min(before.offset, whole.duration), min(before.offset + before.picture.duration, whole.duration)
    start = spans[0].new_start - spans[0].old_start
    end = spans[-1].new_end + before.picture.duration - spans[-1].old_end
    return max(start, Fraction(0)), min(end, whole.duration)


_ENOUGH = 200
"""Spans, the longest first, by which a cue is found."""


def _in_order(spans: Sequence[Kept]) -> list[Kept]:
    """The spans of the greatest total length that are in the same order in both cuts."""
    rows = sorted(sorted(spans, key=lambda k: -k.length)[:_ENOUGH], key=lambda k: k.new_start)
    best: list[tuple[Fraction, list[Kept]]] = []
    for span in rows:
        before = [b for b in best if b[1][-1].old_end <= span.old_start]
        total, chain = max(before, key=lambda b: b[0], default=(Fraction(0), []))
        best.append((total + span.length, [*chain, span]))
    return max(best, key=lambda b: b[0])[1] if best else []


def _notes(
    old: Take, document: Document, take: Take, cuts: Comparison, kept: Sequence[Kept], settings: Settings
) -> list[str]:
    """What the user should know of the conform."""
    new, notes = cuts.new, []
    if is_bare(cuts.old) or is_bare(new):
        notes.append(
            "a video does not say which material it shows: shots were compared by their lengths, and by their frames "
            "where both cuts can be seen; a timeline of both cuts says it exactly"
        )
    if not kept:
        notes.append(
            "nothing of the old cut was found in the new one, so the whole cue is new (was it the right file?)"
        )
    notes += [
        f"the marker {m.name!r} at {new.timecode_at(m.time)} is new and lies over unchanged picture, where the music "
        "stays as it was; emsync regenerate composes it anew"
        for m in unheeded(cuts, kept)
    ]
    if settings.key and settings.key != take.score.key:
        notes.append(f"the cue keeps its key, {take.score.key.name}")
    sections = {s.id for s in take.score.sections}
    gone = sorted({k.section for k in document.locks if k.section} - sections)
    notes += [f"section {name} was locked; its picture is not in the new cut any more" for name in gone]
    if kept and _breaks_off(old, cuts, kept):
        notes.append(
            "the new cut ends inside music that is kept, so that its closing chord is gone; emsync regenerate of "
            "the last bars composes an ending"
        )
    return notes


def _seen_before(folder: ScoreFolder, document: Document, picture: Picture) -> list[str]:
    """A word about the latest earlier take that was made for this very picture, unless the current one was."""
    current = document.entry(document.current).cut
    for take in reversed(document.takes):
        if _same_edit(folder.cut(take.cut).picture, picture):
            same = take.cut == current
            words = f"take {take.number} was made for this very cut; emsync takes DIR use {take.number} brings it back"
            return [] if same else [words]
    return []


def _same_edit(one: Picture, other: Picture) -> bool:
    rows = ([(s.start, s.end, s.media, s.media_start, s.speed) for s in p.shots] for p in (one, other))
    return one.duration == other.duration and next(rows) == next(rows)


def _breaks_off(old: Take, cuts: Comparison, kept: Sequence[Kept]) -> bool:
    """Whether old music that had more to come runs to the end of the new cut."""
    close = old.score.tempo_map.seconds(old.sheet.final_tick) * cuts.scale
    last = max(kept, key=lambda k: k.new_end)
    return last.new_end == cuts.new.duration and last.old_end <= close

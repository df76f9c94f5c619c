"""The main job and its variations, as functions from requests to answers (the JSON of the command line)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from bridge import derive, locks
from bridge.derive import Cue, Progress
from bridge.files import Look, look_at, only_writer
from bridge.folder import Cut, Document, ScoreFolder, Take, add_cut, add_take, cut_timeline_file
from bridge.remember import request_json
from bridge.settings import Settings, load_settings
from bridge.times import parse_time
from bridge.writing import answer, commit, current, discarded_on_failure, existing, take_entry
from emsync_engine.composers import Composer, composer_of, default_engine
from emsync_engine.dialogue import find_speech
from emsync_engine.errors import InputError
from emsync_engine.measure import count_changes
from emsync_engine.mood import MoodCurve, watch, with_mood
from emsync_engine.mood.curve import constant
from emsync_engine.picture import Instruction, Picture, PictureMarker
from emsync_engine.picture_range import CueRange, cue_ranges, picture_between
from emsync_engine.score import TICKS_PER_QUARTER, Score
from emsync_engine.spotting import SpotOptions, spot
from emsync_engine.spotting.hits import DEFAULT_MIN_GAP, EDGE, USER_WEIGHT
from otio_adapters import read_picture

DEFAULT_SEED = 1
_NEAR_S = Fraction(5, 1000)  # an edge this near a sixteenth means the sixteenth


@dataclass(frozen=True)
class ScoreRequest:
    """``emsync score``."""

    source: Path
    output: Path | None = None
    range: tuple[str, str] | None = None
    settings: Settings = field(default_factory=Settings)
    detect_within: bool = False


@dataclass(frozen=True)
class Effective:
    """Settings after the order of precedence: command line, timeline markers, emsync.toml, inference."""

    mood: tuple[float, float] | None
    base_mood: tuple[float, float] | None
    """From emsync.toml: under the markers."""
    seed: int
    spot: SpotOptions
    base: tuple[Instruction, ...]
    """Tempo and parts from emsync.toml that hold until the timeline's first marker of the kind."""
    composer: Composer
    soundfont: Path | None


def read(request: ScoreRequest) -> Picture:
    """The timeline of a request."""
    settings = load_settings(request.source.resolve().parent)
    roots = (*request.settings.media_roots, *settings.media_roots)
    return read_picture(
        request.source, rate=request.settings.rate, media_roots=roots, detect_within=request.detect_within
    )


def effective(request: ScoreRequest, picture: Picture) -> Effective:
    """What the request, the timeline's markers and emsync.toml say together."""
    mine, file = request.settings, load_settings(request.source.resolve().parent)
    marked = {m.instruction.kind for m in picture.markers if m.instruction}

    def pick(name: str) -> Any:
        value = getattr(mine, name)
        return value if value is not None else (None if name in marked else getattr(file, name))

    base = tuple(
        Instruction(kind, value)
        for kind, value in (("tempo", file.tempo), ("parts", file.parts))
        if kind in marked and value is not None
    )
    composer = composer_of(mine.engine or file.engine or default_engine())
    seed = mine.seed if mine.seed is not None else file.seed if file.seed is not None else DEFAULT_SEED
    gap = mine.min_gap if mine.min_gap is not None else file.min_gap
    return Effective(
        mood=mine.mood,
        base_mood=file.mood,
        seed=seed,
        spot=SpotOptions(
            min_gap=max(gap, EDGE) if gap is not None else DEFAULT_MIN_GAP,
            tempo=pick("tempo"),
            key=pick("key"),
            parts=pick("parts"),
            seed=seed,
        ),
        base=base,
        composer=composer,
        soundfont=mine.soundfont or file.soundfont,
    )


def _with_base(picture: Picture, wishes: Effective) -> Picture:
    """The picture with a marker at its head for every basic wish that its own markers do not cover there."""
    early = {m.instruction.kind for m in picture.markers if m.instruction and m.time <= 0}
    mine = [PictureMarker(Fraction(0), "emsync.toml", instruction=i) for i in wishes.base if i.kind not in early]
    return replace(picture, markers=(*mine, *picture.markers)) if mine else picture


def with_dialogue(picture: Picture, progress: Progress) -> Picture:
    """The picture with where somebody speaks: by its tracks' names, else heard in its media."""
    return replace(picture, dialogue=find_speech(picture, lambda done, _: progress(done, "listening for speech")))


def mood_of(picture: Picture, wishes: Effective, progress: Progress) -> MoodCurve:
    """The mood curve: watched unless it is given as a whole, with markers and the command line on top."""
    if wishes.mood is not None:
        return with_mood(constant(float(picture.duration), 0.0, 0.0), picture, mood=wishes.mood)
    if wishes.base_mood is not None:
        base = constant(float(picture.duration), *wishes.base_mood, confidence=1.0)
        return with_mood(base, picture, mood=None)
    return with_mood(watch(picture, progress=progress), picture, mood=None)


# --- score ---------------------------------------------------------------------------------------------------


def score(request: ScoreRequest, progress: Progress) -> dict[str, Any]:
    """Score a timeline: one cue, or one a ``cue:`` marker. The answer of ``emsync score --json``."""
    progress(0.0, "reading the timeline")
    look = look_at(request.source)
    whole = read(request)
    if not _can_be_scored(whole):
        raise InputError(
            "there is no picture in this timeline, so there is nothing to score", str(request.source), "no_picture"
        )
    cues = _cues(request, whole)
    home = request.output or Path(f"{request.source.stem}.emsync")
    folders = [home] if len(cues) == 1 else _cue_folders(home, cues)
    pictures = [picture_between(whole, cue.start, cue.end) for cue in cues]
    answers = [
        _score_cue(request, look, cue, picture, folder, progress)
        for cue, picture, folder in zip(cues, pictures, folders)
    ]
    return answers[0] if len(answers) == 1 else {**answers[0], "cues": answers}


def _can_be_scored(picture: Picture) -> bool:
    """There is picture, or (in a MIDI file or a DAW project) hits that somebody asked for."""
    return bool(picture.shots) or any(b.weight >= USER_WEIGHT for b in picture.boundaries)


def _cues(request: ScoreRequest, whole: Picture) -> list[CueRange]:
    if request.range is None:
        return cue_ranges(whole)
    start, end = (parse_time(text, whole) for text in request.range)
    if start >= end:
        raise InputError(f"the range {request.range[0]} to {request.range[1]} is empty", code="bad_range")
    return [CueRange("", start, end)]


def _cue_folders(home: Path, cues: Sequence[CueRange]) -> list[Path]:
    """One folder a cue inside ``home``, named after it."""
    names: list[str] = []
    for cue in cues:
        plain = re.sub(r"[^\w.-]+", "_", cue.name, flags=re.ASCII).strip("._") or "cue"
        alike = [n.casefold() for n in names]  # folders that some systems take for the same one
        number = sum(n == plain.casefold() or n.startswith(f"{plain.casefold()}_") for n in alike)
        names.append(plain if not number else f"{plain}_{number + 1}")
    return [home / f"{name}.emsync" for name in names]


def _score_cue(
    request: ScoreRequest, look: Look | None, cue: CueRange, picture: Picture, path: Path, progress: Progress
) -> dict[str, Any]:
    wishes = effective(request, picture)
    picture = with_dialogue(picture, progress)
    progress(0.0, "watching the picture")
    mood = mood_of(picture, wishes, progress)
    progress(0.0, "spotting and composing")
    composer = wishes.composer
    sheet = spot(_with_base(picture, wishes), mood, wishes.spot)
    take = Take(composer.compose(sheet, wishes.seed, lambda done: progress(done, "composing")), sheet)
    cut = Cut(
        title=cue.name or picture.name or request.source.stem,
        source=str(request.source.resolve()),
        offset=Fraction(round(cue.start * picture.rate)) / picture.rate,
        picture=picture,
        mood=mood,
        warnings=(*picture.warnings, *mood.warnings, *sheet.warnings),
    )
    timeline = derive.plain_timeline(request.source, picture)
    folder = ScoreFolder(path)
    with only_writer(path, waiting=lambda: progress(0.0, "waiting for another emsync to finish")):
        folder.recover()
        old = existing(folder)
        if old and old.locks:
            take = locks.rescored(folder.take(), take, old.locks, composer)
        ranged = request.range is not None
        said = request_json(request.source, look, request.settings, within=request.detect_within, ranged=ranged)
        entry = take_entry("score", composer.name, wishes.seed, None, said)
        staging = folder.stage()
        with discarded_on_failure(folder, staging):
            document = old or Document()
            number = add_cut(folder, document, staging, cut, timeline)
            document = add_take(document, staging, take, replace(entry, cut=number))
            home = staging if (staging / cut_timeline_file(number)).is_file() else path
            made = Cue(path, cut, home / cut_timeline_file(number), take)
            written = commit(folder, document, made, staging, progress, soundfont=wishes.soundfont)
    return answer(folder, written, made)


# --- another take --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class RegenerateRequest:
    """``emsync regenerate``."""

    folder: Path
    start: str
    end: str
    parts: tuple[str, ...] | None = None
    mood: tuple[float, float] | None = None
    seed: int | None = None
    engine: str | None = None
    """Who composes; None: who composed the take."""


def regenerate(request: RegenerateRequest, progress: Progress) -> dict[str, Any]:
    """Another take of a region. The answer of ``emsync regenerate --json``."""
    folder = ScoreFolder(request.folder)
    with only_writer(request.folder, waiting=lambda: progress(0.0, "waiting for another emsync to finish")):
        folder.recover()
        document, take, cue = current(folder)
        start, end = _region(request, take, cue.cut.picture)
        parts = _known_parts(request.parts, take.score)
        seed = request.seed if request.seed is not None else max(t.seed for t in document.takes) + 1
        free = locks.free_regions(take.score, document.locks, start, end, parts)
        if not free:
            raise InputError(
                "everything in this region is locked; unlock it first: emsync takes DIR unlock",
                str(request.folder),
                "locked",
            )
        progress(0.0, "composing")
        old = document.entry(document.current)
        composer = composer_of(request.engine or old.engine)
        new = take.score
        for number, region in enumerate(free):
            new = composer.recompose(
                new, take.sheet, region.start, region.end, region.parts, seed, request.mood,
                lambda done, before=number: progress((before + done) / len(free), "composing"),  # type: ignore[misc]
            )  # fmt: skip
        changed = count_changes(take.score, new)
        asked = {"start": request.start, "end": request.end, "parts": list(parts), "mood": request.mood}
        entry = replace(take_entry("regenerate", composer.name, seed, old.number, asked, changed), cut=old.cut)
        cue = replace(cue, take=Take(new, take.sheet))
        staging = folder.stage()
        with discarded_on_failure(folder, staging):
            document = add_take(document, staging, cue.take, entry)
            written = commit(folder, document, cue, staging, progress, leave=(derive.TIMELINE,))
    spared = _spared(parts, free, start, end)
    return {**answer(folder, written, cue), "changed": changed, "seed": seed, "locked": spared,
            "start_s": float(new.tempo_map.seconds(start)), "end_s": float(new.tempo_map.seconds(end))}  # fmt: skip


def _region(request: RegenerateRequest, take: Take, picture: Picture) -> tuple[int, int]:
    """Start and end in ticks. A region that reaches into the closing chord holds all of it, so that it rings on."""
    score = take.score
    start, end = (_snapped(parse_time(t, picture, score), score) for t in (request.start, request.end))
    if start >= end:
        raise InputError(f"the region {request.start} to {request.end} is empty", code="bad_range")
    return start, score.end_tick if end > take.sheet.final_tick else end


def _snapped(seconds: Fraction, score: Score) -> int:
    """The tick of a time; the nearest sixteenth when it is within 5 ms."""
    tick = score.tempo_map.tick(seconds)
    sixteenth = TICKS_PER_QUARTER // 4
    near = round(tick / sixteenth) * sixteenth
    return near if abs(score.tempo_map.seconds(near) - seconds) <= _NEAR_S else tick


def _known_parts(parts: tuple[str, ...] | None, score: Score) -> tuple[str, ...]:
    here = tuple(p.id for p in score.parts)
    unknown = [p for p in parts or () if p not in here]
    if unknown:
        raise InputError(f"the score has no part {unknown[0]!r} (it has {', '.join(here)})", code="bad_parts")
    return parts or here


def _spared(parts: Sequence[str], free: Sequence[locks.Region], start: int, end: int) -> list[str]:
    """Parts of which some of the region was locked."""
    taken = {p: sum(r.end - r.start for r in free if p in r.parts) for p in parts}
    return [p for p in parts if taken[p] < end - start]

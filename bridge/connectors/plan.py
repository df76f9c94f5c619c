"""``Plan``: a score as a DAW needs it: neutral, exact, with a stable id for everything that is written.

Every connector and every script inside a DAW works from this one document, as a value here, as JSON (``plan_json``) or
as lines of tab-separated fields (``bridge.connectors.plan_lines``) where there is no JSON parser.

* A **part** is a track; an **item** is what one part plays in one section: the unit that is written, hashed, replaced,
  kept. Items of a part follow each other without gap or overlap from tick 0 to the end of the cue.
* Ids: cue ``3f2a9c01b7de``, track ``3f2a9c01b7de:strings``, item ``3f2a9c01b7de:strings:s2``, markers
  ``3f2a9c01b7de:hit:1``, ``...:section:s2``, ``...:end:``. They survive new takes, renamed folders and moved tracks.
* Ticks are 960 a quarter and count from the head of the picture; seconds are exact fractions from the same head.
* Notes are clean: whole numbers in range, no pitch sounding twice at once, none reaching over the end of its item.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import Any

from bridge.folder import Cut, Document, Lock, ScoreFolder, Take
from emsync_engine.score import TICKS_PER_QUARTER, Control, Note, Part, Score, Section, Tempo, TempoMap
from emsync_engine.smf import normalise_notes, part_controls

SCHEMA = "emsync.plan/1"

PART_COLOURS = {"drums": 0xB0413E, "bass": 0x4B6FA5, "piano": 0xD9A441, "guitar": 0x6B9E4B, "strings": 0x8A5FA8}
"""Track colours as 0xRRGGBB; other parts take the next of the same row."""
MARKER_COLOURS = {"hit": 0x8000FF, "section": 0x00A0C0, "end": 0x808080}

_FNV_OFFSET, _FNV_PRIME, _64_BITS = 0xCBF29CE484222325, 0x100000001B3, (1 << 64) - 1


@dataclass(frozen=True)
class PlanTempo:
    """From ``tick`` on, a quarter lasts ``us_per_quarter`` microseconds."""

    tick: int
    seconds: Fraction
    us_per_quarter: int

    @property
    def bpm(self) -> float:
        return 60e6 / self.us_per_quarter


@dataclass(frozen=True)
class PlanMetre:
    """From bar ``bar`` (1-based) on, bars have this metre."""

    tick: int
    seconds: Fraction
    bar: int
    numerator: int
    denominator: int


@dataclass(frozen=True)
class PlanSection:
    """A span of bars with one seed and one history."""

    id: str
    name: str
    tick: int
    end: int
    start_s: Fraction
    end_s: Fraction
    valence: float
    arousal: float
    seed: int
    take: int


@dataclass(frozen=True)
class PlanMarker:
    """A hit, the start of a section, or the end."""

    id: str
    kind: str
    """``hit``, ``section`` or ``end``."""
    tick: int
    end: int
    """Equal to ``tick`` unless it is a section, which a DAW may show as a region."""
    seconds: Fraction
    end_s: Fraction
    text: str
    colour: int
    """0xRRGGBB."""


@dataclass(frozen=True)
class PlanItem:
    """What one part plays in one section. Ticks of notes and controllers count from the head of the cue."""

    id: str
    part: str
    section: str
    name: str
    tick: int
    end: int
    start_s: Fraction
    end_s: Fraction
    notes: tuple[Note, ...]
    controls: tuple[Control, ...]
    hash: str
    """``content_hash`` of notes and controls relative to ``tick``."""
    locked: bool = False
    """A lock of the score folder covers it."""

    def relative_notes(self) -> tuple[Note, ...]:
        """The notes with tick 0 at the start of the item."""
        return tuple(Note(n.tick - self.tick, n.pitch, n.duration, n.velocity) for n in self.notes)

    def relative_controls(self) -> tuple[Control, ...]:
        """The control changes with tick 0 at the start of the item."""
        return tuple(Control(c.tick - self.tick, c.controller, c.value) for c in self.controls)


@dataclass(frozen=True)
class PlanPart:
    """A track."""

    id: str
    """Of the track."""
    part: str
    """Of the part in the score."""
    name: str
    channel: int
    """0..15; drums are on 9."""
    program: int
    colour: int
    """0xRRGGBB."""
    items: tuple[PlanItem, ...]

    @property
    def notes(self) -> tuple[Note, ...]:
        """All notes of the part in order of time."""
        return tuple(n for item in self.items for n in item.notes)

    @property
    def controls(self) -> tuple[Control, ...]:
        return tuple(c for item in self.items for c in item.controls)


@dataclass(frozen=True)
class Region:
    """Ticks [start, end) of some parts; ``parts`` None stands for all."""

    start: int
    end: int
    parts: tuple[str, ...] | None = None

    def holds(self, item: PlanItem) -> bool:
        """Whether the region touches an item."""
        return item.tick < self.end and self.start < item.end and (self.parts is None or item.part in self.parts)


@dataclass(frozen=True)
class Plan:
    """Everything a target is asked to write."""

    cue: str
    title: str
    take: int
    seed: int
    folder: Path
    """The score folder, absolute."""
    rate: Fraction
    """Frames a second of the picture."""
    start_frame: int
    """Record timecode of the head in frames."""
    drop_frame: bool
    duration: Fraction
    """Seconds of the picture."""
    end_tick: int
    key: str
    tempo: tuple[PlanTempo, ...]
    metres: tuple[PlanMetre, ...]
    bars: tuple[tuple[int, int], ...]
    """(tick, quarters) of every bar."""
    sections: tuple[PlanSection, ...]
    markers: tuple[PlanMarker, ...]
    parts: tuple[PlanPart, ...]
    media: tuple[str, ...] = ()
    """Paths of the picture's media, in order of first use."""
    shortened: int = 0
    """Notes that sounded over the end of their section and end there in the items."""
    files: tuple[tuple[str, Path], ...] = ()
    """(name, path) of the files of the score folder that lie there, for what a target cannot take."""

    @cached_property
    def tempo_map(self) -> TempoMap:
        return TempoMap(tuple(Tempo(t.tick, t.us_per_quarter) for t in self.tempo))

    def seconds(self, tick: int) -> Fraction:
        """Exact seconds of a tick."""
        return self.tempo_map.seconds(tick)

    def tick(self, seconds: Fraction | float) -> int:
        """Nearest tick of a time in seconds."""
        return self.tempo_map.tick(seconds)

    def quarter(self, tick: int) -> Fraction:
        """Quarter notes from the head."""
        return Fraction(tick, TICKS_PER_QUARTER)

    @property
    def items(self) -> tuple[PlanItem, ...]:
        return tuple(item for part in self.parts for item in part.items)

    def item(self, item_id: str) -> PlanItem | None:
        return next((item for item in self.items if item.id == item_id), None)

    def within(self, region: Region) -> tuple[PlanItem, ...]:
        """The items that a region touches."""
        return tuple(item for item in self.items if region.holds(item))

    def file(self, name: str) -> Path | None:
        """A file of the score folder by its name there, such as ``score.mid``, or by its ending, such as ``.rpp``."""
        for known, path in self.files:
            if known == name or (name.startswith(".") and known.endswith(name)):
                return path
        return None


def plan_of_folder(folder: Path, take: int | None = None) -> Plan:
    """The plan of a score folder's take, by default the current one.

    Raises:
        InputError: no score folder, damaged, written by a newer version, or no such take.
    """
    from bridge.files import only_writer

    store = ScoreFolder(folder)
    if store.exists():
        with only_writer(folder):
            store.recover()
    document = store.document()
    entry = document.entry(document.current if take is None else take)
    return plan_of(folder, document, entry.number, store.take(entry.number), store.cut(entry.cut))


def plan_of(folder: Path, document: Document, number: int, take: Take, cut: Cut) -> Plan:
    """The plan of a take of an open score folder."""
    score, picture = take.score, cut.picture
    cue = cue_id(document)
    parts = tuple(_part(cue, part, score, document.locks, index) for index, part in enumerate(score.parts))
    return Plan(
        cue=cue,
        title=cut.title,
        take=number,
        seed=document.entry(number).seed,
        folder=folder.resolve(),
        rate=picture.rate,
        start_frame=picture.start_frame,
        drop_frame=picture.drop_frame,
        duration=picture.duration,
        end_tick=score.end_tick,
        key=score.key.name,
        tempo=tuple(
            PlanTempo(e.tick, score.tempo_map.seconds(e.tick), e.us_per_quarter) for e in score.tempo_map.events
        ),
        metres=tuple(_metres(score)),
        bars=tuple((bar.tick, bar.beats) for bar in score.bars),
        sections=tuple(_section(s, score) for s in score.sections),
        markers=tuple(_markers(cue, score)),
        parts=parts,
        media=tuple(dict.fromkeys(shot.media for shot in picture.shots if shot.media)),
        shortened=_shortened(score),
        files=tuple((name, folder.resolve() / name) for name in document.files if (folder / name).is_file()),
    )


def cue_id(document: Document) -> str:
    """Twelve hex digits that stay with a score folder through takes, renames and moves: its first take is kept."""
    first = document.takes[0]
    return hashlib.sha256(f"{first.sha256} {first.created}".encode()).hexdigest()[:12]


def content_hash(notes: Iterable[Note], controls: Iterable[Control]) -> str:
    """16 hex digits of what an item holds, ticks relative to its start.

    FNV-1a, 64 bits, over ASCII lines ``n TICK PITCH DURATION VELOCITY`` sorted as numbers, then ``c TICK CONTROLLER
    VALUE`` likewise, each ended by a newline: short enough to be computed by a Lua script as well.
    """
    rows = [f"n {n.tick} {n.pitch} {n.duration} {n.velocity}\n" for n in sorted(notes)]
    rows += [f"c {c.tick} {c.controller} {c.value}\n" for c in sorted(controls)]
    value = _FNV_OFFSET
    for byte in "".join(rows).encode("ascii"):
        value = (value ^ byte) * _FNV_PRIME & _64_BITS
    return f"{value:016x}"


def _part(cue: str, part: Part, score: Score, locks: Sequence[Lock], index: int) -> PlanPart:
    from bridge.locks import is_locked

    items = []
    spans = item_spans(score)
    starts = [start for start, _ in spans]
    notes: list[list[Note]] = [[] for _ in spans]
    for note in normalise_notes(part.notes):
        at = max(bisect_right(starts, note.tick) - 1, 0)
        notes[at].append(Note(note.tick, note.pitch, min(note.end, spans[at][1]) - note.tick, note.velocity))
    controls: list[list[Control]] = [[] for _ in spans]
    for control in part_controls(part):
        controls[max(bisect_right(starts, control.tick) - 1, 0)].append(control)
    for section, (start, end), held, moved in zip(score.sections, spans, notes, controls):
        item = PlanItem(
            id=f"{cue}:{part.id}:{section.id}",
            part=part.id,
            section=section.id,
            name=f"{part.name} {section.name}",
            tick=start,
            end=end,
            start_s=score.tempo_map.seconds(start),
            end_s=score.tempo_map.seconds(end),
            notes=tuple(held),
            controls=tuple(moved),
            hash=content_hash(
                (Note(n.tick - start, n.pitch, n.duration, n.velocity) for n in held),
                (Control(c.tick - start, c.controller, c.value) for c in moved),
            ),
            locked=is_locked(locks, part.id, section.id),
        )
        items.append(item)
    colours = list(PART_COLOURS.values())
    colour = PART_COLOURS.get(part.id, colours[index % len(colours)])
    return PlanPart(f"{cue}:{part.id}", part.id, part.name, part.channel, part.program, colour, tuple(items))


def item_spans(score: Score) -> list[tuple[int, int]]:
    """[start, end) in ticks of the items of every part: the sections, the first from 0, the last to the end."""
    starts = [0, *(s.tick for s in score.sections[1:])]
    return list(zip(starts, [*starts[1:], max(score.end_tick, score.sections[-1].end)]))


def _shortened(score: Score) -> int:
    edges = [end for _, end in item_spans(score)]
    return sum(1 for p in score.parts for n in p.notes if any(n.tick < edge < n.end for edge in edges))


def _metres(score: Score) -> Iterable[PlanMetre]:
    beats = 0
    for number, bar in enumerate(score.bars, 1):
        if bar.beats != beats:
            beats = bar.beats
            yield PlanMetre(bar.tick, score.tempo_map.seconds(bar.tick), number, beats, 4)


def _section(section: Section, score: Score) -> PlanSection:
    seconds = score.tempo_map.seconds
    return PlanSection(
        section.id, section.name, section.tick, section.end, seconds(section.tick), seconds(section.end),
        section.valence, section.arousal, section.seed, section.take,
    )  # fmt: skip


def _markers(cue: str, score: Score) -> Iterable[PlanMarker]:
    seconds = score.tempo_map.seconds
    rows = [("section", s.id, s.tick, s.end, f"Section {s.name}") for s in score.sections]
    rows += [("hit", str(i), h.tick, h.tick, f"Hit {i} {h.label}".rstrip()) for i, h in enumerate(score.hits, 1)]
    rows.append(("end", "", score.end_tick, score.end_tick, "End"))
    for kind, name, tick, end, text in sorted(rows, key=lambda row: (row[2], row[0])):
        line = " ".join(text.split())
        yield PlanMarker(
            f"{cue}:{kind}:{name}", kind, tick, end, seconds(tick), seconds(end), line, MARKER_COLOURS[kind]
        )


def plan_json(plan: Plan) -> dict[str, Any]:
    """The plan as JSON. Seconds are numbers (double precision), ticks are exact; notes are rows
    ``[tick, pitch, duration, velocity, start_s, end_s]`` and control changes ``[tick, controller, value, time_s]``,
    their ticks counted from the start of the item, their seconds from the head of the cue."""
    return {
        "schema": SCHEMA,
        "cue": plan.cue,
        "title": plan.title,
        "take": plan.take,
        "seed": plan.seed,
        "folder": str(plan.folder),
        "ticks_per_quarter": TICKS_PER_QUARTER,
        "rate": str(plan.rate),
        "start_frame": plan.start_frame,
        "drop_frame": plan.drop_frame,
        "duration_s": float(plan.duration),
        "end_tick": plan.end_tick,
        "key": plan.key,
        "tempo": [
            {"tick": t.tick, "time_s": float(t.seconds), "us_per_quarter": t.us_per_quarter, "bpm": t.bpm}
            for t in plan.tempo
        ],
        "metres": [
            {"tick": m.tick, "time_s": float(m.seconds), "bar": m.bar, "numerator": m.numerator,
             "denominator": m.denominator}
            for m in plan.metres
        ],
        "bars": [list(bar) for bar in plan.bars],
        "sections": [
            {"id": s.id, "name": s.name, "tick": s.tick, "end": s.end, "start_s": float(s.start_s),
             "end_s": float(s.end_s), "valence": s.valence, "arousal": s.arousal, "seed": s.seed, "take": s.take}
            for s in plan.sections
        ],
        "markers": [
            {"id": m.id, "kind": m.kind, "tick": m.tick, "end": m.end, "time_s": float(m.seconds),
             "end_s": float(m.end_s), "text": m.text, "colour": m.colour}
            for m in plan.markers
        ],
        "parts": [
            {"id": p.id, "part": p.part, "name": p.name, "channel": p.channel, "program": p.program,
             "colour": p.colour, "items": [item_json(plan, item) for item in p.items]}
            for p in plan.parts
        ],
        "media": list(plan.media),
        "files": {name: str(path) for name, path in plan.files},
    }  # fmt: skip


def item_json(plan: Plan, item: PlanItem) -> dict[str, Any]:
    """One item of ``plan_json``."""
    time = plan.seconds
    return {
        "id": item.id,
        "part": item.part,
        "section": item.section,
        "name": item.name,
        "tick": item.tick,
        "end": item.end,
        "start_s": float(item.start_s),
        "end_s": float(item.end_s),
        "hash": item.hash,
        "locked": item.locked,
        "notes": [
            [n.tick - item.tick, n.pitch, n.duration, n.velocity, float(time(n.tick)), float(time(n.end))]
            for n in item.notes
        ],
        "controls": [[c.tick - item.tick, c.controller, c.value, float(time(c.tick))] for c in item.controls],
    }

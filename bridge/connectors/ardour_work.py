"""What Ardour's session holds, and what is to be written into it: decided here, before a row is sent."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from bridge.connectors.ardour_mailbox import Row
from bridge.connectors.base import ItemResult, LeftOut, Outcome, TargetError, decide
from bridge.connectors.plan import Plan, PlanItem, Region, content_hash
from bridge.connectors.plan_smf import lone_controls_twice, smf_of_plan
from emsync_engine.score import TICKS_PER_QUARTER

_NEAR = 2  # samples: Ardour rounds a tempo to its own clock


@dataclass(frozen=True)
class Found:
    """A region of ours as it lies in the session."""

    region: str
    plan_hash: str
    seen: str
    """Hash right after writing, as the script reads it."""
    now: str
    tick: str
    end: str
    moved: bool
    locked: bool

    @property
    def written_key(self) -> str:
        return f"{self.plan_hash}@{self.tick}-{self.end}"

    @property
    def found_key(self) -> str:
        untouched = self.now == self.seen and not self.moved
        return self.written_key if untouched else f"{self.now} elsewhere" if self.moved else self.now


@dataclass
class Seen:
    """What the script saw."""

    name: str = ""
    rate: int = 48_000
    others: int = 0
    """Regions on tracks that are not of this cue."""
    samples: dict[int, int] = field(default_factory=dict)
    """Tick asked for -> sample."""
    marks: set[tuple[int, str]] = field(default_factory=set)
    tracks: set[str] = field(default_factory=set)
    items: dict[tuple[str, str], Found] = field(default_factory=dict)
    """By track id and section."""
    occupied: dict[str, list[tuple[float, float]]] = field(default_factory=dict)
    """By track id: spans in ticks of regions that are not ours."""
    tempo: tuple[str, str] | None = None
    """Hash of the tempo map as we wrote it, and of what it is now."""
    kept: dict[str, str] = field(default_factory=dict)
    """The rest of the ledger."""


@dataclass
class Work:
    """What is to be written, in order, and what becomes of what is left alone."""

    rows: list[tuple[object, ...]] = field(default_factory=list)
    results: dict[tuple[str, str], ItemResult] = field(default_factory=dict)
    """By track id and section."""
    said: list[str] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)
    tempo_events: int = 0
    markers: int = 0


def seen_of(rows: list[Row]) -> Seen:
    found = Seen()
    for row in rows:
        kind, *rest = row
        if kind == "session":
            found.name, found.rate, found.others = rest[0], int(rest[2]), int(rest[3])
        elif kind == "tick":
            found.samples[int(rest[0])] = int(rest[1])
        elif kind == "mark":
            found.marks.add((int(rest[0]), rest[1]))
        elif kind == "track":
            found.tracks.add(rest[0])
        elif kind == "tempo":
            found.tempo = (rest[0], rest[1])
        elif kind == "kept":
            found.kept[rest[1]] = rest[2]
        elif kind == "other":
            found.occupied.setdefault(rest[0], []).append((float(rest[1]), float(rest[2])))
        elif kind == "item":
            track, section, region, plan_hash, seen, now, tick, end, moved, locked = rest
            found.items[(track, section)] = Found(region, plan_hash, seen, now, tick, end, moved == "1", locked == "1")
    return found


def outcome_of(item: PlanItem, there: Found | None, occupied: list[tuple[float, float]]) -> Outcome:
    if there is None:
        taken = any(start < item.end and item.tick < end for start, end in occupied)
        return "kept" if taken else "written"
    wanted = f"{item.hash}@{item.tick}-{item.end}"
    found = there.found_key
    if found == item.hash and (there.tick, there.end) == (str(item.tick), str(item.end)):
        found = wanted  # made the same by hand
    return decide(wanted, there.written_key, found, locked=there.locked)


def _sent_hash(item: PlanItem) -> str:
    """The hash of an item as Ardour gets it."""
    controls = lone_controls_twice(item.relative_controls(), item.end - item.tick)
    return content_hash(item.relative_notes(), controls)


def map_hash(plan: Plan) -> str:
    rows = [*((t.tick, t.us_per_quarter) for t in plan.tempo), *((m.tick, m.numerator) for m in plan.metres)]
    return hashlib.sha256(repr(rows).encode()).hexdigest()[:16]


def plan_tempo(plan: Plan, found: Seen, work: Work, parcel: Path) -> None:
    """Whether the session's tempo map may be, and has to be, replaced.

    Raises:
        TargetError: it carries music of the user's.
    """
    first, wanted = plan.parts[0].id, map_hash(plan)
    if found.tempo is not None and found.tempo[0] != found.tempo[1]:
        work.said.append("the tempo map was changed by hand and stays; hits may lie beside the picture")
        return
    if found.tempo is not None and found.kept.get("map") == wanted:
        return
    if found.tempo is None and found.others and not _same_times(plan, found):
        raise TargetError(
            f"the session {found.name} holds {found.others} regions of yours on another tempo map, which would move; "
            "open a new session for the score",
            "refused",
            "Ardour",
        )
    path = parcel / "tempo.mid"
    path.write_bytes(smf_of_plan(plan, Region(0, plan.end_tick, ()), guard=True))
    work.rows.append(("tempo", path))
    work.tempo_events = len(plan.tempo) + len(plan.metres)
    quarters = plan.end_tick // TICKS_PER_QUARTER
    last = round(plan.seconds(quarters * TICKS_PER_QUARTER) * found.rate)
    work.rows += [*_track_rows(plan, found), ("keep_tempo", first, quarters, last), ("keep", first, "map", wanted)]


def _same_times(plan: Plan, found: Seen) -> bool:
    return all(abs(sample - plan.seconds(tick) * found.rate) <= _NEAR for tick, sample in found.samples.items())


def _track_rows(plan: Plan, found: Seen) -> Iterator[tuple[object, ...]]:
    """Every part's track; those that are there already are left as they are, name and colour too."""
    for part in plan.parts:
        if part.id not in found.tracks:
            found.tracks.add(part.id)
            yield "track", part.id, part.name, part.colour, part.channel


def plan_tracks(plan: Plan, found: Seen, work: Work) -> None:
    work.rows += _track_rows(plan, found)


def plan_markers(plan: Plan, found: Seen, work: Work) -> None:
    """New markers, moved ones, those that are gone; what the user moved, renamed or removed stays so."""
    first = plan.parts[0].id
    work.rows += _track_rows(plan, found)
    ours = {key.removeprefix("mark "): value for key, value in found.kept.items() if key.startswith("mark ")}
    wishes = marks_of(plan, found.rate)
    touched = 0
    for mark_id, wanted in wishes.items():
        state = _mark_state(mark_id, wanted, ours, found)
        work.markers += state in ("new", "there", "old")
        touched += state == "touched"
        if state == "old":
            work.rows.append(("unmark", *_split_mark(ours[mark_id])))
        if state in ("new", "old"):
            work.rows += [("mark", *wanted), ("keep", first, f"mark {mark_id}", f"{wanted[0]} {wanted[1]}")]
    for mark_id in sorted(ours.keys() - wishes.keys()):
        if _split_mark(ours[mark_id]) in found.marks:
            work.rows.append(("unmark", *_split_mark(ours[mark_id])))
        work.rows.append(("keep", first, f"mark {mark_id}", ""))
    if touched:
        work.said.append(f"{touched} markers that you moved, renamed or removed stay as they are")


def marks_of(plan: Plan, rate: int) -> dict[str, tuple[int, str]]:
    """(sample, text) by id; Ardour has one marker at a place, so those that fall together become one."""
    by_sample: dict[int, tuple[str, str]] = {}
    for marker in plan.markers:
        sample = round(marker.seconds * rate)
        mark_id, text = by_sample.get(sample, (marker.id, ""))
        by_sample[sample] = (mark_id, f"{text} / {marker.text}" if text else marker.text)
    return {mark_id: (sample, text) for sample, (mark_id, text) in by_sample.items()}


def _mark_state(mark_id: str, wanted: tuple[int, str], ours: Mapping[str, str], found: Seen) -> str:
    if mark_id not in ours:
        return "new"
    before = _split_mark(ours[mark_id])
    if before not in found.marks:
        return "touched"
    return "there" if before == wanted else "old"


def _split_mark(value: str) -> tuple[int, str]:
    sample, _, name = value.partition(" ")
    return int(sample), name


def plan_dropped(plan: Plan, found: Seen, work: Work) -> None:
    """Regions of sections that the plan no longer has."""
    for (track, section), there in found.items.items():
        if (track, section) in work.results:
            continue
        part = track.partition(":")[2]
        gone = ItemResult(f"{track}:{section}", part, section, "removed")
        if there.found_key != there.written_key or there.locked:
            work.results[(track, section)] = replace(gone, outcome="locked" if there.locked else "kept")
            continue
        work.rows.append(("drop", track, section, there.region, there.now))
        work.results[(track, section)] = gone


def take_in(answer: list[Row], work: Work, plan: Plan) -> None:
    """What the script did, where it differs from what was asked, and what Ardour made of it."""
    changed = unmarked = 0
    hashes = {(f"{plan.cue}:{item.part}", item.section): _sent_hash(item) for item in plan.items}
    for row in answer:
        unmarked += row[0] == "unmarked"
        if row[0] != "put":
            continue
        key = (row[1], row[2])
        if row[3] == "kept":
            work.results[key] = replace(work.results[key], outcome="kept", note="it was edited just now")
        elif row[3] == "written" and row[5] != hashes[key]:
            changed += 1
    if unmarked:
        work.said.append(f"{unmarked} markers were not set: one of yours is at the same place")
    if changed:
        work.said.append(f"Ardour reads {changed} regions a little differently from what was sent (rounding of times)")

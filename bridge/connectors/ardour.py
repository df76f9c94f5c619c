"""``ardour``: into an open Ardour session, through the shipped Lua scripts; transport over OSC.

The scripts look and write; what is done is decided here. A part is a MIDI track, known by its comment; an item is a
region, known by Ardour's own id in that comment, with the hash of what was written and what Ardour made of it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path

from bridge.connectors.ardour_mailbox import HOW_TO_LISTEN, Mailbox, Row, settings_folders
from bridge.connectors.ardour_osc import PORT, ArdourOsc, seconds_of
from bridge.connectors.base import (
    Capabilities,
    Command,
    Connector,
    Delivered,
    Hello,
    ItemResult,
    LeftOut,
    Options,
    Outcome,
    Progress,
    Selection,
    TargetError,
    TransportState,
    decide,
    left_out,
    result,
    silent,
)
from bridge.connectors.plan import Plan, PlanItem, Region, content_hash
from bridge.connectors.plan_smf import lone_controls_twice, smf_of_plan
from emsync_engine.score import TICKS_PER_QUARTER

_ABILITIES = Capabilities(
    tempo_map=True, controllers=True, arrangement_write=True, markers=True, read_selection=True, undo_group=True
)
_NEAR = 2  # samples: Ardour rounds a tempo to its own clock


@dataclass(frozen=True)
class _Found:
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
class _Session:
    """What the script saw."""

    name: str = ""
    rate: int = 48_000
    others: int = 0
    """Regions on tracks that are not of this cue."""
    samples: dict[int, int] = field(default_factory=dict)
    """Tick asked for -> sample."""
    marks: set[tuple[int, str]] = field(default_factory=set)
    tracks: set[str] = field(default_factory=set)
    items: dict[tuple[str, str], _Found] = field(default_factory=dict)
    """By track id and section."""
    occupied: dict[str, list[tuple[float, float]]] = field(default_factory=dict)
    """By track id: spans in ticks of regions that are not ours."""
    tempo: tuple[str, str] | None = None
    """Hash of the tempo map as we wrote it, and of what it is now."""
    kept: dict[str, str] = field(default_factory=dict)
    """The rest of the ledger."""


@dataclass
class _Work:
    """What is to be written, in order, and what becomes of what is left alone."""

    rows: list[tuple[object, ...]] = field(default_factory=list)
    results: dict[tuple[str, str], ItemResult] = field(default_factory=dict)
    """By track id and section."""
    said: list[str] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)
    tempo_events: int = 0
    markers: int = 0


class ArdourConnector(Connector):
    """``--at`` names a settings folder (``~/.config/ardour8``) when several Ardours are in use."""

    name = "ardour"

    def __init__(self, options: Options | None = None, osc_port: int = PORT) -> None:
        super().__init__(options)
        self._osc_port = osc_port
        self._osc: ArdourOsc | None = None

    def hello(self) -> Hello:
        box = self._mailbox()
        said = ["undo takes back tracks' regions and markers; the tempo map is not part of Ardour's undo"]
        if box.install():
            said.append(f"the scripts were put into {box.settings}; {HOW_TO_LISTEN}")
        box.check_there(self.options.timeout_s)
        alive = box.alive()
        session = f"session {alive.session}" if alive else ""
        return Hello(self.name, f"Ardour ({session})", "ready", _ABILITIES, tuple(said))

    def push(self, plan: Plan, progress: Progress = silent) -> Delivered:
        """Tempo map and metre, markers, a track a part, a region a section."""
        box = self._mailbox()
        box.install()
        progress(0.0, "looking at the session")
        found = self._look(box, plan)
        work = _Work()
        parcel = box.parcel()
        try:
            _tempo(plan, found, work, parcel)
            _markers(plan, found, work)
            _tracks(plan, found, work)
            for item in plan.items:
                self._item(plan, item, found, work, parcel)
            _dropped(plan, found, work)
            first = plan.parts[0].id
            work.rows.append(("keep", first, "folder", str(plan.folder)))
            return self._write(box, plan, found, work, progress)
        finally:
            box.discard(parcel)

    def replace(self, plan: Plan, region: Region, progress: Progress = silent) -> Delivered:
        """The regions of the items that the region touches."""
        box = self._mailbox()
        box.install()
        found = self._look(box, plan)
        if found.kept.get("map") != _map_hash(plan):
            raise TargetError(
                "the session does not have this score's tempo map; send the whole score first", "refused", found.name
            )
        work = _Work()
        parcel = box.parcel()
        try:
            for item in plan.within(region):
                self._item(plan, item, found, work, parcel)
            return self._write(box, plan, found, work, progress)
        finally:
            box.discard(parcel)

    def read_selection(self) -> Selection:
        rows = self._mailbox().ask([("select",)], self.options.timeout_s)
        return selection_of(rows)

    def transport(self, command: Command = "state", seconds: Fraction | float = 0) -> TransportState:
        osc = self._surface()
        rate = osc.surface().rate
        if command == "play":
            osc.play()
        elif command == "stop":
            osc.stop()
        elif command == "locate":
            osc.locate(round(Fraction(seconds) * rate))
        return TransportState(osc.rolling(), seconds_of(osc.sample(), rate))

    def mark(self, plan: Plan, progress: Progress = silent) -> int:
        """Set the plan's markers over OSC alone, where no script listens; how many."""
        osc = self._surface()
        rate = osc.surface().rate
        wishes = _marks(plan, rate)
        for number, (sample, text) in enumerate(wishes.values()):
            progress(number / len(wishes), "setting markers")
            osc.mark(sample, text)
        return len(wishes)

    def close(self) -> None:
        if self._osc is not None:
            self._osc.close()
            self._osc = None

    # --- reaching it ---

    def _mailbox(self) -> Mailbox:
        """The Ardour that was named, or else the one that spoke last."""
        if self.options.at:
            return Mailbox(Path(self.options.at).expanduser())
        folders = settings_folders()
        if not folders:
            raise TargetError(
                "Ardour was never started by this user; start it once, then send again", "not_installed", "Ardour"
            )
        boxes = [Mailbox(folder) for folder in folders]
        return min(boxes, key=_age)

    def _surface(self) -> ArdourOsc:
        if self._osc is None:
            self._osc = ArdourOsc(port=self._osc_port, timeout_s=self.options.timeout_s)
        return self._osc

    def _look(self, box: Mailbox, plan: Plan) -> _Session:
        ticks = sorted({*(t.tick for t in plan.tempo), plan.end_tick})
        rows = box.ask([("look", plan.cue), *(("tick", tick) for tick in ticks)], self.options.timeout_s)
        return _session(rows)

    # --- what to do ---

    def _item(self, plan: Plan, item: PlanItem, found: _Session, work: _Work, parcel: Path) -> None:
        track = f"{plan.cue}:{item.part}"
        there = found.items.get((track, item.section))
        outcome = _outcome(item, there, found.occupied.get(track, []))
        note = ""
        if outcome in ("written", "updated"):
            path = parcel / f"{item.part}-{item.section}.mid"
            region = Region(item.tick, item.end, (item.part,))
            path.write_bytes(smf_of_plan(plan, region, chase=False, lone_twice=True))
            old = (there.region, there.now) if there else ("", "")
            work.rows.append(
                ("put", track, item.section, item.name, item.tick, item.end, path, item.hash, *old),
            )
        elif outcome == "kept" and self.options.on_edit == "beside":
            work.left_out.append(left_out(plan, "takes", f"{item.name} was edited; its new version is in", "score.mid"))
        if outcome == "kept" and there is None:
            note = "a region of yours lies there"
        work.results[(track, item.section)] = result(item, outcome, note)

    def _write(self, box: Mailbox, plan: Plan, found: _Session, work: _Work, progress: Progress) -> Delivered:
        if work.rows:
            progress(0.5, "writing into the session")
            answer = box.ask([("write", plan.cue), *work.rows], max(self.options.timeout_s, 60.0))
            _take_in(answer, work, plan)
        return Delivered(
            target=self.name,
            application=f"Ardour (session {found.name})",
            cue=plan.cue,
            take=plan.take,
            items=tuple(work.results.values()),
            tempo_events=work.tempo_events,
            markers=work.markers,
            tracks=len({track for track, _ in work.results}),
            left_out=tuple(work.left_out),
            said=tuple(work.said),
        )


def selection_of(rows: list[Row]) -> Selection:
    """The rows that the script writes of a selection."""
    _, cue, start, end, *_ = rows[0]
    parts = tuple(row[1].partition(":")[2] for row in rows[1:] if row[0] == "part")
    return Selection(Fraction(start), Fraction(end), parts, (), cue)


def _age(box: Mailbox) -> float:
    alive = box.alive()
    return alive.age_s if alive else float("inf")


def _session(rows: list[Row]) -> _Session:
    found = _Session()
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
            found.items[(track, section)] = _Found(region, plan_hash, seen, now, tick, end, moved == "1", locked == "1")
    return found


def _outcome(item: PlanItem, there: _Found | None, occupied: list[tuple[float, float]]) -> Outcome:
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


def _map_hash(plan: Plan) -> str:
    rows = [*((t.tick, t.us_per_quarter) for t in plan.tempo), *((m.tick, m.numerator) for m in plan.metres)]
    return hashlib.sha256(repr(rows).encode()).hexdigest()[:16]


def _tempo(plan: Plan, found: _Session, work: _Work, parcel: Path) -> None:
    """Whether the session's tempo map may be, and has to be, replaced.

    Raises:
        TargetError: it carries music of the user's.
    """
    first, wanted = plan.parts[0].id, _map_hash(plan)
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
    work.rows += [*_track_rows(plan, found), ("keep_tempo", first, quarters), ("keep", first, "map", wanted)]


def _same_times(plan: Plan, found: _Session) -> bool:
    return all(abs(sample - plan.seconds(tick) * found.rate) <= _NEAR for tick, sample in found.samples.items())


def _track_rows(plan: Plan, found: _Session) -> Iterator[tuple[object, ...]]:
    """Every part's track; those that are there already are left as they are, name and colour too."""
    for part in plan.parts:
        if part.id not in found.tracks:
            found.tracks.add(part.id)
            yield "track", part.id, part.name, part.colour, part.channel


def _tracks(plan: Plan, found: _Session, work: _Work) -> None:
    work.rows += _track_rows(plan, found)


def _markers(plan: Plan, found: _Session, work: _Work) -> None:
    """New markers, moved ones, those that are gone; what the user moved, renamed or removed stays so."""
    first = plan.parts[0].id
    work.rows += _track_rows(plan, found)
    ours = {key.removeprefix("mark "): value for key, value in found.kept.items() if key.startswith("mark ")}
    wishes = _marks(plan, found.rate)
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


def _marks(plan: Plan, rate: int) -> dict[str, tuple[int, str]]:
    """(sample, text) by id; Ardour has one marker at a place, so those that fall together become one."""
    by_sample: dict[int, tuple[str, str]] = {}
    for marker in plan.markers:
        sample = round(marker.seconds * rate)
        mark_id, text = by_sample.get(sample, (marker.id, ""))
        by_sample[sample] = (mark_id, f"{text} / {marker.text}" if text else marker.text)
    return {mark_id: (sample, text) for sample, (mark_id, text) in by_sample.items()}


def _mark_state(mark_id: str, wanted: tuple[int, str], ours: Mapping[str, str], found: _Session) -> str:
    if mark_id not in ours:
        return "new"
    before = _split_mark(ours[mark_id])
    if before not in found.marks:
        return "touched"
    return "there" if before == wanted else "old"


def _split_mark(value: str) -> tuple[int, str]:
    sample, _, name = value.partition(" ")
    return int(sample), name


def _dropped(plan: Plan, found: _Session, work: _Work) -> None:
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


def _take_in(answer: list[Row], work: _Work, plan: Plan) -> None:
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

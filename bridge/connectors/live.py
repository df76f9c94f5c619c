"""``live``: Ableton Live 11 and 12 through our remote script (``daw_scripts/live/EMSYNC``)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction
from typing import Any, cast

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
    silent,
)
from bridge.connectors.plan import Plan, PlanItem, Region
from bridge.live.client import LiveLink, LiveRefusedError
from bridge.live.files import how_to_import, import_files, left_out_of_live, one_tempo
from bridge.live.markers import one_a_place
from emsync_engine.score import Note, Tempo, TempoMap
from emsync_engine.smf import normalise_notes

NOTES_AT_ONCE = 20_000
"""More are sent in several requests, each an undo step of its own."""
_A_MARKER_S = 1.0
"""Longest time for one locator: Live needs several ticks of 100 ms."""
_SAID = (
    "Live's interface has no tempo map and no controllers: both come by a MIDI file that is written on every push",
    "locators are set only while Live is stopped",
)


class LiveConnector(Connector):
    """Writes clips of one section each into the arrangement, found again by a tag in their names."""

    name = "live"

    def __init__(self, options: Options | None = None) -> None:
        super().__init__(options)
        self.link = LiveLink(self.options.at, self.options.timeout_s)
        self._cue = ""

    def hello(self) -> Hello:
        said = self.link.connect()
        able = Capabilities(
            tempo_map=False,
            controllers=False,
            arrangement_write=bool(said["arrangement"]),
            markers=True,
            read_selection=True,
            takes=bool(said["take_lanes"]),
            undo_group=bool(said["undo_group"]),
            video=False,
        )
        hints = [*_SAID]
        if not said["take_lanes"]:
            hints.append("this Live has no take lanes (12.2 has): a version beside an edited one goes into the session")
        return Hello(self.name, f"Ableton Live {said['live']}", "ready", able, tuple(hints))

    def push(self, plan: Plan, progress: Progress = silent) -> Delivered:
        hello = self.hello()
        files = import_files(plan)
        progress(0.0, "writing clips")
        if one_tempo(plan):
            self._set_tempo(plan)
        items, tracks = self._write(plan, plan.items, whole=True, progress=progress)
        progress(0.8, "setting locators")
        markers, missing, said = self._markers(plan)
        gone = left_out_of_live(plan, files)
        if not one_tempo(plan):
            said.append(how_to_import(files))
        return Delivered(
            target=self.name,
            application=hello.application,
            cue=plan.cue,
            take=plan.take,
            items=items,
            tempo_events=2 if one_tempo(plan) else 0,
            markers=markers,
            tracks=tracks,
            files=files.paths,
            left_out=(*gone, *missing, *_left(items)),
            said=tuple(said),
        )

    def replace(self, plan: Plan, region: Region, progress: Progress = silent) -> Delivered:
        hello = self.hello()
        progress(0.0, "writing clips")
        items, tracks = self._write(plan, plan.within(region), whole=False, progress=progress)
        controls = [c for item in plan.within(region) for c in item.controls]
        missing = left_out_of_live(plan, import_files(plan)) if controls else []
        return Delivered(
            target=self.name,
            application=hello.application,
            cue=plan.cue,
            take=plan.take,
            items=items,
            tracks=tracks,
            left_out=(*(row for row in missing if row.what == "controllers"), *_left(items)),
        )

    def read_selection(self) -> Selection:
        said = self.link.ask("selection")
        if not said["cue"]:
            raise TargetError(
                "there is nothing of ours under the loop brace; send a score first, or move the brace onto it",
                "refused",
                "Live",
            )
        tempo = _tempo_map(said["memory"])
        return Selection(
            tempo.seconds(said["start"]),
            tempo.seconds(said["end"]),
            tuple(said["parts"]),
            tuple(said["edited"]),
            said["cue"],
        )

    def transport(self, command: Command = "state", seconds: Fraction | float = 0) -> TransportState:
        tempo = _tempo_map(self._memory())
        said = self.link.ask("transport", {"command": command, "tick": tempo.tick(seconds)})
        return TransportState(bool(said["playing"]), tempo.seconds(said["tick"]))

    def close(self) -> None:
        self.link.close()

    # --- steps of a push ---

    def _set_tempo(self, plan: Plan) -> None:
        metre = plan.metres[0]
        self.link.ask("tempo", {"bpm": plan.tempo[0].bpm, "metre": [metre.numerator, metre.denominator]})

    def _write(
        self, plan: Plan, items: Iterable[PlanItem], *, whole: bool, progress: Progress
    ) -> tuple[tuple[ItemResult, ...], int]:
        """Send items in requests of bounded size; what became of each, and how many tracks were touched."""
        self._cue = plan.cue
        shared = {
            "cue": plan.cue,
            "take": plan.take,
            "on_edit": self.options.on_edit,
            "tracks": [{"part": p.part, "name": p.name, "colour": p.colour} for p in plan.parts],
            "remember": {
                "folder": str(plan.folder),
                "title": plan.title,
                "take": plan.take,
                "tempo": [[t.tick, t.us_per_quarter] for t in plan.tempo],
            },
        }
        results: list[ItemResult] = []
        tracks = 0
        requests = list(_requests(items))
        for number, batch in enumerate(requests):
            known = [item.id for item in plan.items] if whole and number == 0 else None
            said = self.link.ask("write", {**shared, "items": batch, "known": known}, self._patience(batch))
            results += [_result(row) for row in said["items"]]
            tracks = max(tracks, said["tracks"]) if len(requests) > 1 else said["tracks"]
            progress(0.8 * (number + 1) / len(requests), "writing clips")
        return tuple(results), tracks

    def _patience(self, batch: list[dict[str, Any]]) -> float:
        """Live stands still while it takes notes."""
        return self.options.timeout_s + sum(len(row["notes"]) for row in batch) / 1000

    def _markers(self, plan: Plan) -> tuple[int, list[LeftOut], list[str]]:
        """Locators in place, those that are not, and what to know of them."""
        rows = one_a_place(plan)
        wait = self.options.timeout_s + _A_MARKER_S * len(rows)
        try:
            said = self.link.ask("markers", {"cue": plan.cue, "markers": rows}, wait)["markers"]
        except LiveRefusedError as error:
            if error.reason not in ("playing", "busy"):
                raise
            return 0, [LeftOut("markers", error.message)], []
        names = {row["id"]: row["text"] for row in rows}
        left = [
            LeftOut("marker", f"{names[m['id']]}: {m['note']}") for m in said if m["outcome"] in ("left_out", "kept")
        ]
        placed = [m for m in said if m["outcome"] in ("written", "updated", "unchanged")]
        return len(placed), left, sorted({m["note"] for m in placed if m["note"]})

    def _memory(self) -> Mapping[str, Any]:
        """What the set remembers of the cue that this connector works on."""
        known: Mapping[str, Any] = self.link.ask("memory")
        if self._cue in known:
            return cast("Mapping[str, Any]", known[self._cue])
        if len(known) == 1:
            return cast("Mapping[str, Any]", next(iter(known.values())))
        raise TargetError("it is not known which score in this set is meant; send one first", "refused", "Live")


def item_row(item: PlanItem) -> dict[str, Any]:
    """An item as the script takes it: Live allows no pitch to sound twice at once."""
    notes = normalise_notes(Note(n.tick, n.pitch, n.duration, n.velocity) for n in item.relative_notes())
    return {
        "id": item.id,
        "part": item.part,
        "section": item.section,
        "name": item.name,
        "start": item.tick,
        "end": item.end,
        "notes": [[n.tick, n.pitch, n.duration, n.velocity] for n in notes],
    }


def _requests(items: Iterable[PlanItem]) -> Iterator[list[dict[str, Any]]]:
    batch: list[dict[str, Any]] = []
    count = 0
    for item in items:
        row = item_row(item)
        if batch and count + len(row["notes"]) > NOTES_AT_ONCE:
            yield batch
            batch, count = [], 0
        batch.append(row)
        count += len(row["notes"])
    yield batch


def _result(row: Mapping[str, Any]) -> ItemResult:
    return ItemResult(row["id"], row["part"], row["section"], cast("Outcome", row["outcome"]), row["note"])


def _left(items: Iterable[ItemResult]) -> list[LeftOut]:
    return [LeftOut(i.part, f"section {i.section}: {i.note}") for i in items if i.outcome == "left_out"]


def _tempo_map(memory: Mapping[str, Any]) -> TempoMap:
    """The tempo map that the set remembers.

    Raises:
        TargetError: it remembers none.
    """
    try:
        return TempoMap(tuple(Tempo(int(tick), int(us)) for tick, us in memory["tempo"]))
    except (KeyError, TypeError, ValueError) as error:
        raise TargetError(
            "this set does not remember the score's tempo map; send the score once more", "refused", "Live"
        ) from error

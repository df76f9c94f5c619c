"""``abletonosc``: Ableton Live where AbletonOSC is installed instead of our script: session clips, one scene a section.

AbletonOSC cannot write the arrangement, so a score becomes a row of scenes. Everything is sent in small pieces, one at
a time, and read back (``abletonosc_line``, ``abletonosc_notes``).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

from bridge.connectors import abletonosc_notes as osc_notes
from bridge.connectors.abletonosc_line import OscLine
from bridge.connectors.abletonosc_locators import place_locators
from bridge.connectors.abletonosc_notes import Slot
from bridge.connectors.base import (
    Capabilities,
    Command,
    Connector,
    Delivered,
    Hello,
    ItemResult,
    LeftOut,
    Options,
    Progress,
    Selection,
    TargetError,
    TransportState,
    decide,
    result,
    silent,
)
from bridge.connectors.plan import Plan, PlanItem, PlanPart, Region, content_hash
from bridge.live.files import how_to_import, import_files, left_out_of_live, one_tempo
from bridge.live.remembered import recall, remember
from emsync_engine.score import TICKS_PER_QUARTER, TempoMap

_TAG = re.compile(r" \[([0-9a-f]{12}:[^\s:\]]+:[^\s:\]]+) ([0-9a-f]{16})\]$")
_SAID = (
    "AbletonOSC cannot write into the arrangement: each section is a scene of session clips",
    "the tempo map and the controllers come by a MIDI file that is written on every push",
    "AbletonOSC has one client at a time, and no undo group: undo takes back one step after the other",
)


@dataclass(frozen=True)
class _Found:
    """A clip of ours in the session."""

    slot: Slot
    id: str
    written: str


class AbletonOscConnector(Connector):
    """Finds its clips by a tag in their names, never by where they lie."""

    name = "abletonosc"

    def __init__(self, options: Options | None = None) -> None:
        super().__init__(options)
        self.line = OscLine(self.options.at, self.options.timeout_s)
        self._cue = ""

    def hello(self) -> Hello:
        self.line.fence()
        major, minor = self.line.ask("/live/application/get/version")[:2]
        able = Capabilities(markers=True, read_selection=True)
        return Hello(self.name, f"Ableton Live {major}.{minor} with AbletonOSC", "ready", able, _SAID)

    def push(self, plan: Plan, progress: Progress = silent) -> Delivered:
        hello = self.hello()
        files = import_files(plan)
        if one_tempo(plan):
            self._set_tempo(plan)
        items, tracks = self._write(plan, plan.items, progress)
        items = (*items, *self._remove_others(plan))
        progress(0.9, "setting locators")
        placed, missing = place_locators(self.line, plan)
        gone = left_out_of_live(plan, files)
        return Delivered(
            target=self.name,
            application=hello.application,
            cue=plan.cue,
            take=plan.take,
            items=items,
            tempo_events=2 if one_tempo(plan) else 0,
            markers=placed,
            tracks=tracks,
            files=files.paths,
            left_out=(_no_arrangement(str(files.whole)), *gone, *missing),
            said=() if one_tempo(plan) else (how_to_import(files),),
        )

    def replace(self, plan: Plan, region: Region, progress: Progress = silent) -> Delivered:
        hello = self.hello()
        items, tracks = self._write(plan, plan.within(region), progress)
        return Delivered(
            target=self.name,
            application=hello.application,
            cue=plan.cue,
            take=plan.take,
            items=items,
            tracks=tracks,
        )

    def read_selection(self) -> Selection:
        start = self.line.ask("/live/song/get/loop_start")[0]
        length = self.line.ask("/live/song/get/loop_length")[0]
        track = int(self.line.ask("/live/view/get/selected_track")[0])
        found = self._find("")
        here = [f for f in found if f.slot.track == track]
        cues = sorted({f.id.split(":")[0] for f in here or found})
        if len(cues) != 1:
            raise TargetError(
                "select a track of the score that is meant" if cues else "there is nothing of ours in this set yet",
                "refused",
                self.line.where,
            )
        self._cue = cues[0]
        parts = tuple(sorted({f.id.split(":")[1] for f in here if f.id.startswith(self._cue)}))
        tempo = self._tempo_map()
        ends = tempo.seconds(_ticks(start)), tempo.seconds(_ticks(start + length))
        return Selection(*ends, parts, self._edited(found, parts), self._cue)

    def transport(self, command: Command = "state", seconds: Fraction | float = 0) -> TransportState:
        tempo = self._tempo_map()
        if command == "play":
            self.line.do("/live/song/continue_playing")
        elif command == "stop":
            self.line.do("/live/song/stop_playing")
        elif command == "locate":
            self.line.do("/live/song/set/current_song_time", tempo.tick(seconds) / TICKS_PER_QUARTER)
        self.line.fence()  # Live shows it one tick later
        playing = self.line.ask("/live/song/get/is_playing")[0]
        now = self.line.ask("/live/song/get/current_song_time")[0]
        return TransportState(bool(playing), tempo.seconds(_ticks(now)))

    def close(self) -> None:
        self.line.close()

    # --- steps of a push ---

    def _set_tempo(self, plan: Plan) -> None:
        self.line.do("/live/song/set/tempo", float(plan.tempo[0].bpm))
        self.line.do("/live/song/set/signature_numerator", plan.metres[0].numerator)
        self.line.do("/live/song/set/signature_denominator", plan.metres[0].denominator)

    def _write(self, plan: Plan, items: Iterable[PlanItem], progress: Progress) -> tuple[tuple[ItemResult, ...], int]:
        self._cue = plan.cue
        wanted = list(items)
        found = {f.id: f for f in self._find(plan.cue)}
        tracks = self._tracks(plan, wanted, found)
        scenes = self._scenes(plan, found, tracks)
        remember(plan)
        results = []
        for number, item in enumerate(wanted):
            progress(0.9 * number / max(len(wanted), 1), f"writing {item.name}")
            results.append(self._write_item(item, found.get(item.id), Slot(tracks[item.part], scenes[item.section])))
        touched = {r.part for r in results if r.outcome in ("written", "updated")}
        return tuple(results), len(touched)

    def _write_item(self, item: PlanItem, found: _Found | None, place: Slot) -> ItemResult:
        notes = osc_notes.clean(item.relative_notes())
        wanted = content_hash(notes, ())
        there = self._hash(found) if found else None
        outcome = decide(wanted, found.written if found else None, there)
        if outcome == "kept":
            return result(item, outcome, "edited by hand in Live")
        if outcome == "unchanged":
            if found and found.written != wanted:
                self._name(found.slot, item, wanted)
            return result(item, outcome)
        slot = found.slot if found else place
        if found is None:
            self._create(slot, (item.end - item.tick) / TICKS_PER_QUARTER)
        osc_notes.write(self.line, slot, notes, (item.end - item.tick) / TICKS_PER_QUARTER)
        self._name(slot, item, wanted)
        return result(item, outcome)

    def _create(self, slot: Slot, length: float) -> None:
        if self._has_clip(slot):
            raise TargetError(f"there is a clip in {slot} already", "refused", self.line.where)
        what = f"made no clip on track {slot.track + 1}, scene {slot.scene + 1}"
        self.line.sure(lambda: self._has_clip(slot), what, "/live/clip_slot/create_clip", *slot.at, float(length))
        self.line.do("/live/clip/set/looping", *slot.at, 0)

    def _name(self, slot: Slot, item: PlanItem, written: str) -> None:
        text = f"{item.name.replace('#', '♯')} [{item.id} {written}]"

        def named() -> bool:
            return bool(self.line.ask("/live/clip/get/name", *slot.at, echo=slot.at)[0] == text)

        self.line.sure(named, f"did not take the name of the clip {item.name}", "/live/clip/set/name", *slot.at, text)

    def _remove_others(self, plan: Plan) -> tuple[ItemResult, ...]:
        """Clips of the cue that are not in the plan any more go, unless they were edited."""
        known = {item.id for item in plan.items}
        rows = []
        for found in self._find(plan.cue):
            if found.id in known:
                continue
            _, part, section = found.id.split(":")
            if self._hash(found) == found.written:
                self.line.do("/live/clip_slot/delete_clip", *found.slot.at)
                rows.append(ItemResult(found.id, part, section, "removed"))
            else:
                rows.append(ItemResult(found.id, part, section, "kept", "not in the score any more, but edited"))
        return tuple(rows)

    # --- what is there ---

    def _find(self, cue: str) -> list[_Found]:
        """The clips of a cue (of every cue when it is empty). Of copies the first counts."""
        found: dict[str, _Found] = {}
        for track in range(len(self._track_names())):
            names = self.line.ask("/live/track/get/clips/name", track, echo=(track,))
            for scene, name in enumerate(names):
                match = _TAG.search(name) if isinstance(name, str) else None
                if match and match.group(1).startswith(cue):
                    found.setdefault(match.group(1), _Found(Slot(track, scene), match.group(1), match.group(2)))
        return list(found.values())

    def _track_names(self) -> list[str]:
        return [str(name) for name in self.line.ask("/live/song/get/track_names")]

    def _hash(self, found: _Found) -> str:
        length = float(self.line.ask("/live/clip/get/length", *found.slot.at, echo=found.slot.at)[0])
        return content_hash(osc_notes.read(self.line, found.slot, length), ())

    def _has_clip(self, slot: Slot) -> bool:
        return bool(self.line.ask("/live/clip_slot/get/has_clip", *slot.at, echo=slot.at)[0])

    def _edited(self, found: Iterable[_Found], parts: tuple[str, ...]) -> tuple[str, ...]:
        ours = [f for f in found if f.id.startswith(self._cue) and (not parts or f.id.split(":")[1] in parts)]
        return tuple(f.id for f in ours if self._hash(f) != f.written)

    def _tempo_map(self) -> TempoMap:
        known = recall(self._cue or self._only_cue())
        if known is None:
            raise TargetError("this score was not sent from this computer; send it once", "refused", self.line.where)
        return known.tempo_map

    def _only_cue(self) -> str:
        cues = {f.id.split(":")[0] for f in self._find("")}
        return cues.pop() if len(cues) == 1 else ""

    # --- tracks and scenes ---

    def _tracks(self, plan: Plan, items: Iterable[PlanItem], found: dict[str, _Found]) -> dict[str, int]:
        """Part -> index of its track: where its clips are, else a MIDI track of its name, else a new one."""
        tracks: dict[str, int] = {}
        for one in found.values():
            tracks.setdefault(one.id.split(":")[1], one.slot.track)
        wanted = {item.part for item in items}
        for part in plan.parts:
            if part.part in wanted and part.part not in tracks:
                named = self._track_named(part.name, tracks.values())
                tracks[part.part] = self._new_track(part) if named is None else named
        return tracks

    def _track_named(self, name: str, taken: Iterable[int]) -> int | None:
        for index, known in enumerate(self._track_names()):
            if known.strip().lower() == name.lower() and index not in taken:
                midi = self.line.ask("/live/track/get/has_midi_input", index, echo=(index,))[0]
                if midi:
                    return index
        return None

    def _new_track(self, part: PlanPart) -> int:
        before = len(self._track_names())
        name = part.name.replace("#", "♯")
        self.line.sure(
            lambda: len(self._track_names()) > before, "made no track; it may be at its limit",
            "/live/song/create_midi_track", -1,
        )  # fmt: skip
        self.line.sure(
            lambda: self._track_names()[before] == name, f"did not name the track {name}",
            "/live/track/set/name", before, name,
        )  # fmt: skip
        self.line.do("/live/track/set/color", before, part.colour)
        return before

    def _scenes(self, plan: Plan, found: dict[str, _Found], tracks: dict[str, int]) -> dict[str, int]:
        """Section -> index of its scene: where its clips are, else the first rows that are free on all our tracks."""
        scenes: dict[str, int] = {}
        for one in found.values():
            scenes.setdefault(one.id.split(":")[2], one.slot.scene)
        missing = [s.id for s in plan.sections if s.id not in scenes]
        if not missing:
            return scenes
        used = set(scenes.values())
        for track in tracks.values():
            names = self.line.ask("/live/track/get/clips/name", track, echo=(track,))
            used |= {scene for scene, name in enumerate(names) if name is not None}
        first = max(used, default=-1) + 1
        scenes.update({section: first + number for number, section in enumerate(missing)})
        self._have_scenes(first + len(missing))
        return scenes

    def _have_scenes(self, count: int) -> None:
        while (before := self._scene_count()) < count:
            self._more_scenes(before)

    def _more_scenes(self, before: int) -> None:
        self.line.sure(
            lambda: self._scene_count() > before, "made no scene; it may be at its limit",
            "/live/song/create_scene", -1,
        )  # fmt: skip

    def _scene_count(self) -> int:
        return int(self.line.ask("/live/song/get/num_scenes")[0])


def _no_arrangement(path: str) -> LeftOut:
    return LeftOut(
        "arrangement_write", "AbletonOSC has no call for it; drag the file in, or use our script (--to live)", path
    )


def _ticks(beats: float) -> int:
    return round(beats * TICKS_PER_QUARTER)

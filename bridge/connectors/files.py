"""``files``: the score as files for systems that no bridge reaches: MIDI, DAWproject, REAPER project, marker list.

What lies in the folder already and is not as we wrote it is left there; the new version gets a name of its own.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bridge.connectors.base import (
    Capabilities,
    Connector,
    Delivered,
    Hello,
    ItemResult,
    Outcome,
    Progress,
    TargetError,
    result,
    silent,
)
from bridge.connectors.plan import Plan, PlanItem, Region
from bridge.connectors.plan_smf import bar_at, smf_of_plan
from bridge.files import json_bytes, sha256, write_atomic

MANIFEST = "emsync-files.json"
_ABILITIES = Capabilities(tempo_map=True, controllers=True, arrangement_write=True, markers=True, video=True)

HOW_TO: tuple[tuple[str, str], ...] = (
    ("Logic Pro", "put the playhead on bar 1, then File > Import > MIDI File and take the tempo over; turn Adapt off"),
    ("Cubase, Nuendo", ("Preferences > MIDI > MIDI File: Import Markers on, Ignore Master Track Events on Merge off, "
                       "Import Controller as Automation Tracks off; then File > Import > MIDI File")),
    ("Pro Tools", "File > Import > MIDI with Import Tempo Map From MIDI File, at session start"),
    ("Bitwig Studio, Studio One, Cubase 14", "open the .dawproject"),
    ("REAPER without the bridge", "open the .rpp as a new project"),
)  # fmt: skip
"""(system, what to do there)."""


@dataclass(frozen=True)
class _Written:
    path: Path
    outcome: Outcome
    note: str = ""


class FilesConnector(Connector):
    """Writes into a folder, by default ``daw/`` in the score folder."""

    name = "files"

    def hello(self) -> Hello:
        return Hello(self.name, "", "ready", _ABILITIES, tuple(f"{system}: {how}" for system, how in HOW_TO))

    def push(self, plan: Plan, progress: Progress = silent) -> Delivered:
        """MIDI of the whole cue with tempo map, metre and markers, DAWproject, REAPER project, marker list."""
        progress(0.0, "writing files")
        made = {f"{_name(plan)}.mid": smf_of_plan(plan), **_forms(plan)}
        written = self._write(plan, made)
        outcome = written[0].outcome
        delivered = self._delivered(plan, written, plan.items, outcome)
        return replace(delivered, tempo_events=len(plan.tempo) + len(plan.metres), markers=len(plan.markers))

    def replace(self, plan: Plan, region: Region, progress: Progress = silent) -> Delivered:
        """A MIDI file of the region alone, to drop at its bar."""
        progress(0.0, "writing files")
        start, end = max(region.start, 0), min(region.end, plan.end_tick)
        parts = [p.part for p in plan.parts if region.parts is None or p.part in region.parts]
        bar = bar_at(plan, start)
        who = "all" if region.parts is None else "-".join(parts)
        name = f"{_name(plan)}.take-{plan.take}.bar-{bar}.{who}.mid"
        written = self._write(plan, {name: smf_of_plan(plan, Region(start, end, region.parts))})
        delivered = self._delivered(plan, written, plan.within(region), written[0].outcome)
        said = (f"drop {written[0].path.name} at bar {bar} ({float(plan.seconds(plan.bars[bar - 1][0])):.3f} s)",)
        return replace(delivered, said=(*said, *delivered.said))

    def _folder(self, plan: Plan) -> Path:
        return Path(self.options.at) if self.options.at else plan.folder / "daw"

    def _write(self, plan: Plan, made: Mapping[str, bytes]) -> list[_Written]:
        folder = self._folder(plan)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            known = _manifest(folder)
            written = [_put(folder, name, data, known, plan.take) for name, data in made.items()]
            write_atomic(folder / MANIFEST, json_bytes({"schema": "emsync.files/1", "files": known}, indent=1))
        except OSError as error:
            raise TargetError(
                f"cannot write there ({error.strerror or error}); choose another folder with --at",
                "refused",
                str(folder),
            ) from error
        return written

    def _delivered(
        self, plan: Plan, written: list[_Written], items: tuple[PlanItem, ...], outcome: Outcome
    ) -> Delivered:
        rows: tuple[ItemResult, ...] = tuple(result(item, outcome) for item in items)
        return Delivered(
            target=self.name,
            application="",
            cue=plan.cue,
            take=plan.take,
            items=rows,
            tracks=len({item.part for item in items}),
            files=tuple(str(row.path) for row in written),
            said=(
                *(row.note for row in written if row.note),
                f"set the project's start timecode to {_timecode(plan)} so that it runs with the picture",
                *(f"{system}: {how}" for system, how in HOW_TO),
            ),
        )


def _put(folder: Path, name: str, data: bytes, known: dict[str, str], take: int) -> _Written:
    """Write one file, unless one that is not ours has the name; then the new one lies beside it."""
    path, note = folder / name, ""
    outcome: Outcome = "written"
    if path.is_file():
        if path.read_bytes() == data:
            known[name] = sha256(path)
            return _Written(path, "unchanged")
        if sha256(path) == known.get(name):
            outcome = "updated"
        else:
            path = _free_name(path, take, data)
            note = f"{name} was changed by hand and stays; the new one is {path.name}"
    write_atomic(path, data)
    known[path.name] = sha256(path)
    return _Written(path, outcome, note)


def _free_name(path: Path, take: int, data: bytes) -> Path:
    """A name beside ``path`` that is free, or holds these bytes already."""
    for number in range(1, 10_000):
        extra = f".take-{take}" + ("" if number == 1 else f"-{number}")
        candidate = path.with_name(f"{path.stem}{extra}{path.suffix}")
        if not candidate.exists() or candidate.read_bytes() == data:
            return candidate
    raise TargetError(f"too many versions of {path.name}; move some away", "refused", str(path.parent))


def _manifest(folder: Path) -> dict[str, str]:
    """What we wrote there: file name -> sha256. Empty when it cannot be read: then nothing is overwritten."""
    try:
        rows: Any = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))["files"]
        return {str(name): str(digest) for name, digest in rows.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def _forms(plan: Plan) -> dict[str, bytes]:
    from otio_adapters.out.forms import FORMS

    delivery = _delivery(plan)
    home = plan.folder
    return {FORMS[n].file_name(delivery): FORMS[n].data(delivery, home) for n in ("dawproject", "reaper", "csv")}


def _name(plan: Plan) -> str:
    return str(_delivery(plan).file_name)


def _delivery(plan: Plan) -> Any:
    """The take as the writers of ``otio_adapters.out`` want it; sound only when it is of this take."""
    from bridge import derive
    from bridge.folder import ScoreFolder
    from otio_adapters.out import Delivery

    store = ScoreFolder(plan.folder)
    document = store.document()
    entry = document.entry(plan.take)
    score, cut = store.take(plan.take).score, store.cut(entry.cut)
    heard = bool(document.audio) and plan.take == document.current
    stems = tuple((p.id, plan.folder / derive.stem_file(p.id)) for p in score.parts) if heard else ()
    return Delivery(cut.title, score, cut.picture, plan.folder / derive.MIX if heard else None, stems)


def _timecode(plan: Plan) -> str:
    from emsync_engine.timecode import timecode_from_frames

    return timecode_from_frames(plan.start_frame, plan.rate, plan.drop_frame)

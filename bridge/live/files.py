"""What Live takes by file alone: MIDI files with the tempo map, and with the controllers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bridge.connectors.base import LeftOut
from bridge.connectors.plan import Plan, Region
from bridge.connectors.plan_smf import GUARD_NAME, smf_of_plan
from bridge.files import write_atomic
from emsync_engine.errors import InputError
from emsync_engine.smf import ascii_text

FOLDER = "daw"
HOW = (
    "tempo map: in Live's Arrangement, drag {name} to 1.1.1 below the last track, answer Yes when it asks for the "
    f"tempo, then mute the track {GUARD_NAME}: its one note makes Live take the whole map"
)
_WHY_TEMPO = "Live lets scripts set one tempo and one metre, not a map of them; the file has the map"
_WHY_CONTROLS = (
    "Live lets no script write controllers into clips; drag in the file's tracks, which have them as clip envelopes, "
    "where you want them"
)
_WHY_VIDEO = "Live takes no picture from scripts; drag the film onto an audio track at 1.1.1"


@dataclass(frozen=True)
class ImportFiles:
    """Both lie in ``daw/`` of the score folder."""

    tempo: Path
    """Tempo map, metre and a guard note, without parts: beside the clips that we write."""
    whole: Path
    """The same with all parts and their controllers."""

    @property
    def paths(self) -> tuple[str, ...]:
        return str(self.tempo), str(self.whole)


def import_files(plan: Plan) -> ImportFiles:
    """Write the files. One that lies there with other content is left alone."""
    folder = plan.folder / FOLDER
    folder.mkdir(exist_ok=True)
    stem = f"{ascii_text(plan.title, 'score').replace('/', '-')}.take-{plan.take}"
    bare = smf_of_plan(plan, Region(0, plan.end_tick, ()), guard=True)
    return ImportFiles(
        _put(folder, f"{stem}.live-tempo", bare), _put(folder, f"{stem}.live", smf_of_plan(plan, guard=True))
    )


def _put(folder: Path, stem: str, data: bytes) -> Path:
    for number in range(1, 1000):
        path = folder / (f"{stem}.mid" if number == 1 else f"{stem}-{number}.mid")
        if not path.exists():
            write_atomic(path, data)
            return path
        if path.read_bytes() == data:
            return path
    raise InputError("too many files of this name; move some away", str(folder), "too_many_copies")


def one_tempo(plan: Plan) -> bool:
    """Whether Live can be given the tempo without a file."""
    return len(plan.tempo) == 1 and len(plan.metres) == 1


def left_out_of_live(plan: Plan, files: ImportFiles) -> list[LeftOut]:
    """What Live cannot be told, and where it is."""
    rows = [] if one_tempo(plan) else [LeftOut("tempo_map", _WHY_TEMPO, str(files.tempo))]
    if any(part.controls for part in plan.parts):
        rows.append(LeftOut("controllers", _WHY_CONTROLS, str(files.whole)))
    if plan.media:
        rows.append(LeftOut("video", _WHY_VIDEO, plan.media[0]))
    return rows


def how_to_import(files: ImportFiles) -> str:
    return HOW.format(name=files.tempo.name)

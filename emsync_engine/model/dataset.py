"""Build the data set: MIDI folders in, deduplicated, labelled and split shards with a datasheet out.

    python -m emsync_engine.model.dataset build --music FOLDER --out FOLDER

FOLDER holds one sub-folder or `.tar.xz` archive per source. `mma_charts` beside `mma` gives exact chords;
`vgmidi` (a folder with `labels.json`) fits the valence labels and is never composed from.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import logging
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from emsync_engine.model import charts, datasheet, harmony, labels, shards, sources, valence
from emsync_engine.model import events as ev
from emsync_engine.model.midi_files import MidiFileError, read_piece

log = logging.getLogger(__name__)

DEFAULT_OUT = Path("~/.cache/emsync/dataset").expanduser()
VALID_SHARE = 0.02
VALID_WORKS = 3
"""At least this many works of a source are held out."""
LABEL_ONLY = ("vgmidi",)
"""Sources that give labels and never music."""


@dataclass(frozen=True)
class Draft:
    """A parsed piece with the labels that need no other piece."""

    name: str
    piece: ev.Piece
    raw: harmony.FloatArray
    rate: harmony.FloatArray
    valence: harmony.FloatArray
    labels: labels.Labels


@dataclass
class Tally:
    """What happened to the files of a source."""

    files: int = 0
    unreadable: int = 0
    empty: int = 0
    duplicates: int = 0


def label(name: str, piece: ev.Piece, model: valence.ValenceModel | None, chart: charts.Chart | None) -> Draft:
    """Label a piece by itself; ranks are entered later, when the whole source is known."""
    beats = harmony.beats_of(piece.bar_start)
    total, bass = harmony.chroma(piece, beats)
    bar_chroma = np.add.reduceat(np.vstack([total, np.zeros(12)]), beats.first_of_bar[:-1], axis=0)
    chord = harmony.chords(total, bass) if chart is None else charts.chords_on_beats(chart, beats)
    section = labels.section_starts(piece, bar_chroma)
    if chart is not None:
        section[[bar for bar in chart.sections if bar < piece.n_bars]] = 1
    tick, kind = labels.boundaries(piece, section)
    raw, rate = labels.raw_arousal(piece)
    felt = valence.features(piece, chord, beats, total) if model is not None else None
    zero = np.zeros(piece.n_bars, dtype=np.int8)
    return Draft(
        name=name,
        piece=piece,
        raw=raw,
        rate=rate,
        valence=np.zeros(piece.n_bars) if model is None or felt is None else model.predict(felt),
        labels=labels.Labels(
            arousal=zero,
            arousal_tempo=zero,
            valence=zero,
            density=labels.density_codes(piece),
            key=harmony.keys(bar_chroma),
            section=section,
            chord=chord,
            boundary_tick=tick,
            boundary_kind=kind,
        ),
    )


def read_source(
    source: str, path: Path, chart_path: Path | None, model: valence.ValenceModel | None, seen: set[bytes]
) -> tuple[list[Draft], Tally]:
    """Parse, deduplicate (against `seen`, by content) and label the pieces of a source."""
    chart_texts = dict(sources.read_files(chart_path, (".txt",))) if chart_path else {}
    drafts, tally = [], Tally()
    for name, data in sources.read_files(path):
        tally.files += 1
        try:
            piece = read_piece(data, sources.info_of(source).rule)
        except MidiFileError as error:
            tally.unreadable += 1
            log.warning("%s/%s left out: %s", source, name, error)
            continue
        if not piece.n_notes:
            tally.empty += 1
            continue
        digest = hashlib.sha256(ev.to_rows(piece).tobytes()).digest()
        if digest in seen:
            tally.duplicates += 1
            continue
        seen.add(digest)
        text = chart_texts.get(name)
        drafts.append(label(name, piece, model, charts.parse_chart(text.decode("utf-8")) if text else None))
    return drafts, tally


def _as_int8(curve: harmony.FloatArray) -> np.ndarray:
    return np.clip(np.rint(curve * 127), -127, 127).astype(np.int8)


def rank_labels(drafts: Sequence[Draft], centre: float, spread: float) -> list[shards.LabelledPiece]:
    """Enter arousal (ranks within these drafts) and valence (standardised by `centre`, `spread`; tanh)."""
    if not drafts:
        return []
    raw = np.concatenate([draft.raw for draft in drafts])
    rate = np.concatenate([draft.rate for draft in drafts])
    free, real = labels.arousal_of_source(raw, rate)
    ends = np.cumsum([draft.piece.n_bars for draft in drafts])
    items = []
    for draft, end in zip(drafts, ends, strict=True):
        bars = slice(end - draft.piece.n_bars, end)
        feeling = np.tanh((draft.valence - centre) / max(spread, 1e-6) * 0.7)
        labelled = replace(
            draft.labels,
            arousal=_as_int8(free[bars]),
            arousal_tempo=_as_int8(real[bars]),
            valence=_as_int8(feeling),
        )
        items.append(shards.LabelledPiece(draft.name, draft.piece, labelled))
    return items


def held_out_works(source: str, names: Sequence[str], share: float = VALID_SHARE) -> set[str]:
    """Works held out for validation: those whose names hash lowest, a fixed share and at least `VALID_WORKS`."""
    works = sorted({sources.work_of(source, name) for name in names}, key=_hash_of)
    count = max(round(share * len(works)), min(VALID_WORKS, len(works) // 4))
    return set(works[:count])


def _hash_of(work: str) -> str:
    return hashlib.sha256(work.encode("utf-8")).hexdigest()


def build(music: Path, out: Path, only: Sequence[str] = ()) -> dict[str, Any]:
    """Build every source under `music` into `out`; returns the datasheet that is also written there."""
    found = {name: path for name, path in sources.find(music).items() if not only or name in only}
    out.mkdir(parents=True, exist_ok=True)
    model, report = _valence_model(sources.find(music).get("vgmidi"))
    if model is not None and report is not None:
        (out / "valence.json").write_text(valence.to_json(model, report) + "\n", encoding="utf-8")
    drafts: dict[str, list[Draft]] = {}
    tallies: dict[str, Tally] = {}
    seen: set[bytes] = set()
    for source, path in found.items():
        if source in LABEL_ONLY or source.endswith("_charts"):
            continue
        chart_path = sources.find(music).get(f"{source}_charts")
        drafts[source], tallies[source] = read_source(source, path, chart_path, model, seen)
        log.info("%s: %d pieces of %d files", source, len(drafts[source]), tallies[source].files)
    centre, spread = _valence_scale(drafts)
    sheet: dict[str, Any] = {"version": shards.VERSION, "sources": {}, "valence": None}
    for source, source_drafts in drafts.items():
        items = rank_labels(source_drafts, centre, spread)
        held_out = held_out_works(source, [item.name for item in items])
        splits: dict[str, list[shards.LabelledPiece]] = {split: [] for split in shards.SPLITS}
        for item in items:
            splits["valid" if sources.work_of(source, item.name) in held_out else "train"].append(item)
        for split, members in splits.items():
            shards.write(out / f"{source}.{split}.npz", members)
        sheet["sources"][source] = datasheet.describe(source, tallies[source], splits)
    if report is not None:
        sheet["valence"] = {**report.__dict__, "centre": centre, "spread": spread}
    datasheet.write(out, sheet)
    return sheet


def _valence_model(path: Path | None) -> tuple[valence.ValenceModel | None, valence.ValenceReport | None]:
    """Fit the valence labels on a folder or archive of annotated pieces, if there is one."""
    if path is None:
        log.warning("no annotated pieces (vgmidi): valence labels will be 0")
        return None, None
    if path.is_dir():
        return valence.fit(path)
    with tempfile.TemporaryDirectory() as scratch:
        for name, data in sources.read_files(path):
            (Path(scratch) / f"{name}.mid").write_bytes(data)
        table = dict(sources.read_files(path, (".json",)))
        (Path(scratch) / "labels.json").write_bytes(table["labels"])
        return valence.fit(Path(scratch))


def valence_scale(folder: Path) -> tuple[float, float]:
    """Mean and spread of predicted valence in a data set that was built.

    Raises:
        ValueError: its valence labels are 0, because there were no annotated pieces.
    """
    said = json.loads((folder / "datasheet.json").read_text("utf-8"))["valence"]
    if said is None:
        raise ValueError(f"{folder}: this data set has no valence labels")
    return float(said["centre"]), float(said["spread"])


def _valence_scale(drafts: dict[str, list[Draft]]) -> tuple[float, float]:
    """Mean and spread of predicted valence, each source counting the same."""
    curves = [np.concatenate([d.valence for d in members]) for members in drafts.values() if members]
    if not curves:
        return 0.0, 1.0
    centre = float(np.mean([curve.mean() for curve in curves]))
    return centre, float(np.sqrt(np.mean([((curve - centre) ** 2).mean() for curve in curves])))


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command line's options."""
    commands = parser.add_subparsers(dest="task", required=True, metavar="build")
    command = commands.add_parser("build", help="build shards and a datasheet from MIDI folders")
    command.add_argument("--music", type=Path, required=True, help="folder of sources (sub-folders or .tar.xz)")
    command.add_argument("--out", type=Path, default=DEFAULT_OUT)
    command.add_argument("--only", nargs="*", default=(), help="build only these sources")
    command.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help=argparse.SUPPRESS)


def main(argv: Sequence[str] | None = None) -> int:
    """Command line; returns the exit status."""
    parser = argparse.ArgumentParser(prog="emsync dataset", description=__doc__)
    add_arguments(parser)
    args = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s")
    build(args.music, args.out, args.only)
    return 0


if __name__ == "__main__":
    sys.exit(main())

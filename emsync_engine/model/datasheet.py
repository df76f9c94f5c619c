"""The data set's datasheet: counts, hours, licences and splits, as JSON and as a table."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from emsync_engine.model import events as ev
from emsync_engine.model import sources
from emsync_engine.model.shards import LabelledPiece


class FileTally(Protocol):
    """Counts of a source's files by what became of them."""

    files: int
    unreadable: int
    empty: int
    duplicates: int


def describe(source: str, tally: FileTally, splits: Mapping[str, Sequence[LabelledPiece]]) -> dict[str, Any]:
    """The entry of one source."""
    info = sources.info_of(source)
    entry: dict[str, Any] = {
        "licence": info.licence,
        "attribution": info.attribution,
        "files": tally.files,
        "unreadable": tally.unreadable,
        "empty": tally.empty,
        "duplicates": tally.duplicates,
    }
    for split, items in splits.items():
        pieces = [item.piece for item in items]
        groups = np.zeros(ev.N_GROUPS, dtype=np.int64)
        for piece in pieces:
            groups += np.bincount(piece.group, minlength=ev.N_GROUPS)
        entry[split] = {
            "pieces": len(pieces),
            "works": len({sources.work_of(source, item.name) for item in items}),
            "bars": sum(piece.n_bars for piece in pieces),
            "notes": sum(piece.n_notes for piece in pieces),
            "hours": round(sum(float(piece.bar_seconds.sum()) for piece in pieces) / 3600, 3),
            "boundaries": sum(len(item.labels.boundary_tick) for item in items),
            "notes_by_group": {name: int(n) for name, n in zip(ev.GROUPS, groups, strict=True) if n},
        }
    return entry


def write(out: Path, sheet: dict[str, Any]) -> None:
    """Write `datasheet.json` and `datasheet.md` into the data set's folder."""
    sheet["bytes"] = sum(path.stat().st_size for path in out.glob("*.npz"))
    sheet["quantisation"] = {
        "grid_per_quarter": ev.GRID,
        "duration_bins_ticks": ev.DURATION_BINS.tolist(),
        "velocity_bins": ev.VELOCITY_BINS,
        "groups": list(ev.GROUPS),
        "longest_bar_ticks": ev.MAX_BAR_TICKS,
    }
    (out / "datasheet.json").write_text(json.dumps(sheet, indent=1) + "\n", encoding="utf-8")
    (out / "datasheet.md").write_text(_table(sheet), encoding="utf-8")


def _table(sheet: Mapping[str, Any]) -> str:
    lines = [
        "# Data set of the composer",
        "",
        f"Version {sheet['version']}, {sheet['bytes'] / 2**20:.1f} MiB of shards. Splits are by work.",
        "",
        "| source | pieces (train/valid) | notes | hours | duplicates left out | licence |",
        "|---|---|---|---|---|---|",
    ]
    for source, entry in sheet["sources"].items():
        train, valid = entry["train"], entry["valid"]
        lines.append(
            f"| {source} ({entry['attribution']}) | {train['pieces']}/{valid['pieces']} "
            f"| {train['notes'] + valid['notes']:,} | {train['hours'] + valid['hours']:.1f} "
            f"| {entry['duplicates']} | {entry['licence']} |"
        )
    if sheet["valence"]:
        report = sheet["valence"]
        lines.append("")
        lines.append(
            f"Valence labels: ridge regression on {report['pieces']} annotated pieces, held-out series: "
            f"R² {report['r2_bars']:.2f} by bar (Spearman {report['spearman_bars']:.2f}), "
            f"{report['r2_pieces']:.2f} by piece ({report['spearman_pieces']:.2f})."
        )
    return "\n".join(lines) + "\n"

"""Measuring a score: where its accents are and how exactly its hits are met."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from typing import Any

from emsync_engine.score import Note, Score

KICKS, CRASHES = (35, 36), (49, 57)
STRUCK_PITCHES = 3
"""Pitched notes that make an accent when they begin together."""


@dataclass(frozen=True)
class HitMeasure:
    """One hit as played."""

    time_s: float
    """The boundary's hit time."""
    onset_s: float | None
    """The nearest accent; None when the score has none at all."""
    error_s: float | None
    """onset - time."""
    bar: int
    beat: float
    label: str

    def to_json(self) -> dict[str, Any]:
        return {
            "time_s": self.time_s, "onset_s": self.onset_s, "error_s": self.error_s, "bar": self.bar,
            "beat": self.beat, "label": self.label,
        }  # fmt: skip


def accent_ticks(score: Score) -> list[int]:
    """Ticks of accents: `STRUCK_PITCHES` or more pitched notes begin together, or kick or crash together with the bass.

    Where the drums play alone, kick or crash will do.
    """
    pitched: dict[int, set[int]] = {}
    drummed: set[int] = set()
    basses: set[int] = set()
    for part in score.parts:
        for note in part.notes:
            if not part.is_drums:
                pitched.setdefault(note.tick, set()).add(note.pitch)
                if part.id == "bass":
                    basses.add(note.tick)
            elif note.pitch in (*KICKS, *CRASHES):
                drummed.add(note.tick)
    chords = {t for t, pitches in pitched.items() if len(pitches) >= STRUCK_PITCHES}
    return sorted(chords | (drummed & basses if pitched else drummed))


def measure_hits(score: Score) -> list[HitMeasure]:
    """Each hit of the score with the accent nearest to it, read from the notes."""
    ticks = accent_ticks(score)
    measures = []
    for hit in score.hits:
        accent = _nearest(ticks, hit.tick)
        time_s = float(hit.time)
        onset_s = None if accent is None else round(float(score.tempo_map.seconds(accent)), 9)
        error_s = None if onset_s is None else round(onset_s - time_s, 9)
        bar, beat = score.bar_beat(hit.tick if accent is None else accent)
        measures.append(HitMeasure(time_s, onset_s, error_s, bar, beat, hit.label))
    return measures


def _nearest(ticks: list[int], tick: int) -> int | None:
    at = bisect_left(ticks, tick)
    return min(ticks[max(at - 1, 0) : at + 1], key=lambda t: abs(t - tick), default=None)


def count_changes(before: Score, after: Score) -> dict[str, dict[str, int]]:
    """Notes removed and added by part, for the parts that changed."""
    old = {p.id: set(p.notes) for p in before.parts}
    changed = {}
    for part in after.parts:
        notes: set[Note] = set(part.notes)
        gone, new = old.get(part.id, set()) - notes, notes - old.get(part.id, set())
        if gone or new:
            changed[part.id] = {"removed": len(gone), "added": len(new)}
    return changed

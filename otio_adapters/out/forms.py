"""The table of delivery forms, and all of them written into a folder."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO

from otio_adapters.music import write_atomically
from otio_adapters.out.delivery import Delivery
from otio_adapters.out.fcp7_xml import fcp7_xml
from otio_adapters.out.fcpxml import fcpxml
from otio_adapters.out.marker_lists import avid_markers, locator_edl, marker_csv, resolve_edl
from otio_adapters.out.otio_dialects import premiere_otio, resolve_otio
from otio_adapters.out.score_session import dawproject_of_score, rpp_of_score


@dataclass(frozen=True)
class Form:
    """A file that can be made of a cue."""

    suffix: str
    """Put after the cue's safe name."""
    make: Callable[[Delivery, Path], str | bytes]
    """From the delivery and the folder where the file will lie."""
    system: str
    """Who takes it."""

    def data(self, delivery: Delivery, folder: Path) -> bytes:
        """The file's content."""
        made = self.make(delivery, folder)
        return made.encode("utf-8", "replace") if isinstance(made, str) else made

    def file_name(self, delivery: Delivery) -> str:
        return delivery.file_name + self.suffix


FORMS: dict[str, Form] = {
    "resolve": Form(".resolve.otio", lambda delivery, _: resolve_otio(delivery), "DaVinci Resolve"),
    "premiere": Form(".premiere.otio", lambda delivery, _: premiere_otio(delivery), "Premiere Pro"),
    "fcp7": Form(".xml", lambda delivery, _: fcp7_xml(delivery), "Premiere Pro, DaVinci Resolve"),
    "fcpxml": Form(".fcpxml", lambda delivery, _: fcpxml(delivery), "Final Cut Pro"),
    "reaper": Form(".rpp", rpp_of_score, "REAPER"),
    "dawproject": Form(".dawproject", lambda delivery, _: dawproject_of_score(delivery), "Bitwig, Studio One, Cubase"),
    "locators": Form(".markers.edl", lambda delivery, _: locator_edl(delivery), "any system with CMX 3600 locators"),
    "resolve_markers": Form(".resolve.edl", lambda delivery, _: resolve_edl(delivery), "DaVinci Resolve"),
    "csv": Form(".markers.csv", lambda delivery, _: marker_csv(delivery), "spreadsheets, scripts"),
    "avid": Form(".avid.txt", lambda delivery, _: avid_markers(delivery), "Avid Media Composer"),
}
"""By the name a user may choose them by."""


def write_all(
    folder: Path, delivery: Delivery, forms: Iterable[str] | None = None, *, home: Path | None = None
) -> dict[str, Path]:
    """Write the forms of a cue, each whole or not at all.

    Args:
        folder: where to write.
        delivery: the cue.
        forms: names in ``FORMS``; None writes all.
        home: where the folder will lie in the end, when that is elsewhere (a staging folder).

    Returns:
        The files written, by form.

    Raises:
        KeyError: there is no such form.
        OSError: the folder cannot be written.
    """
    written = {}
    for name in FORMS if forms is None else forms:
        form = FORMS[name]
        path = folder / form.file_name(delivery)
        data = form.data(delivery, home or folder)
        write_atomically(path, partial(_write, data=data))
        written[name] = path
    return written


def _write(file: BinaryIO, data: bytes) -> None:
    file.write(data)

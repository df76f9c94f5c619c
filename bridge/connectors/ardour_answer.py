"""What Ardour's action *EMSYNC: another take of the selection* starts: regenerate, and send what changed back.

    python -m bridge.connectors.ardour_answer SETTINGS/emsync

Reads ``ask.tsv`` there, which the action wrote; writes what it did, or why not, to ``last.log`` beside it.
"""

from __future__ import annotations

import sys
from pathlib import Path

from bridge.connectors.ardour import ArdourConnector, selection_of
from bridge.connectors.ardour_mailbox import read_rows
from bridge.connectors.base import Delivered, Options, lock_edited, silent
from bridge.connectors.plan import Region, plan_of_folder
from emsync_engine.errors import EmsyncError, InputError


def answer(home: Path) -> Delivered:
    """Do what ``ask.tsv`` asks for.

    Raises:
        EmsyncError: as ``emsync regenerate`` and ``emsync send`` do.
    """
    from bridge.pipeline import RegenerateRequest, regenerate

    rows = read_rows(home / "ask.tsv")
    if not rows or len(rows[0]) < 5:
        raise InputError("nothing was asked for", str(home / "ask.tsv"), "damaged")
    selection, folder = selection_of(rows), Path(rows[0][4])
    before = plan_of_folder(folder)
    if before.cue != selection.cue:
        raise InputError("the session holds another score than this folder", str(folder), "other_score")
    end = min(selection.end_s, before.duration)
    request = RegenerateRequest(folder, str(float(selection.start_s)), str(float(end)), selection.parts or None)
    done = regenerate(request, silent)
    plan = plan_of_folder(folder)
    region = Region(plan.tick(done["start_s"]), plan.tick(done["end_s"]), selection.parts or None)
    with ArdourConnector(Options(str(home.parent))) as target:
        delivered = target.replace(plan, region)
    lock_edited(folder, delivered)
    return delivered


def main(arguments: list[str]) -> int:
    home = Path(arguments[0])
    log = home / "last.log"
    try:
        delivered = answer(home)
    except EmsyncError as error:
        log.write_text(f"{error.code}: {error}\n", encoding="utf-8")
        return error.exit_status
    lines = [f"{item.outcome} {item.id}" for item in delivered.items] + list(delivered.said)
    log.write_text("\n".join([f"take {delivered.take}", *lines, ""]), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

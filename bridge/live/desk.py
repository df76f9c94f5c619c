"""Does what is asked for inside Live: another take of the loop brace and the selected tracks, the next, the previous.

Live's script only notes what was asked (by a mapped control, by a locator's name, by ``emsync live regenerate`` or the
page). The desk fetches it, has the daemon compose, and writes the outcome back into the same clips. It also follows
what others do to a score that lies in the set: a take that was made from the daemon's page arrives in Live as well.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

from bridge.connectors.base import Delivered, Options, Selection, TargetError, lock_edited
from bridge.connectors.live import LiveConnector
from bridge.connectors.plan import Plan, Region, plan_of_folder
from bridge.live.daemon import DaemonCalls
from emsync_engine.errors import EmsyncError, InputError

POLL_S = 0.5
"""Between looks at Live."""
_FOLLOWED = ("regenerate", "use", "conform")
"""Calls of the daemon that change what a score folder sounds like."""

Say = Callable[[str], None]


class LiveDesk:
    """One Live, one daemon. ``step`` is called again and again."""

    def __init__(self, options: Options, state: Path, say: Say) -> None:
        self.live = LiveConnector(options)
        self._daemon = DaemonCalls(state)
        self._say_here = say
        self._seen: set[str] | None = None
        """Jobs of the daemon that were looked at."""
        self._down = ""
        """What was said last about Live being away."""

    def step(self) -> int:
        """Do what waits; how many things were done. Live being away is said once, and tried again at the next step."""
        try:
            waiting = self._waiting()
            for row in waiting:
                self._do(row["action"])
            done = len(waiting) + self._follow()
        except TargetError as error:
            if str(error) != self._down:
                self._say_here(str(error))
            self._down = str(error)
            return 0
        if self._down:
            self._say_here("Live is there again")
            self._down = ""
        return done

    def run(self, stop: Callable[[], bool]) -> None:
        while not stop():
            self.step()
            time.sleep(POLL_S)

    def close(self) -> None:
        self.live.close()

    # --- what is asked for ---

    def _waiting(self) -> list[dict[str, Any]]:
        """The oldest request of each kind: somebody who presses three times wants one new take, not three in a row."""
        said = self.live.link.ask("requests", {"after": 0})
        if said["requests"]:
            self.live.link.ask("requests", {"after": said["last"]})
        rows: dict[str, dict[str, Any]] = {}
        for row in said["requests"]:
            rows.setdefault(row["action"], row)
        return list(rows.values())

    def _do(self, action: str) -> None:
        try:
            actions: Mapping[str, Callable[[], str]] = {
                "regenerate": self.regenerate,
                "next": lambda: self.switch(1),
                "previous": lambda: self.switch(-1),
                "push": self.push,
            }
            self._tell(actions[action]())
        except TargetError as error:
            if error.state != "refused":
                raise
            self._tell(error.message)
        except EmsyncError as error:
            self._tell(f"{action}: {error}")

    def regenerate(self) -> str:
        """Another take of what is selected in Live; what was done, in a sentence.

        Raises:
            EmsyncError: nothing of ours is selected, all of it is edited or locked, or no daemon runs.
        """
        selection, folder = self._selected()
        before = plan_of_folder(folder)
        held = self._protect(folder, before, selection)
        start, end = max(selection.start_s, Fraction(0)), min(selection.end_s, before.duration)
        if start >= end:
            raise InputError("the loop brace lies outside the score", code="bad_range")
        job = self._ask_for_take(folder, start, end, selection.parts)
        plan = plan_of_folder(folder)
        composed = job["result"]  # which may have widened the region a little
        first, last = (plan.tick(Fraction(composed[name])) for name in ("start_s", "end_s"))
        region = Region(min(plan.tick(start), first), max(plan.tick(end), last), selection.parts or None)
        delivered = self.live.replace(plan, region)
        changed = [part for part, count in composed["changed"].items() if count["added"] or count["removed"]]
        kept = sorted({item.part for item in delivered.edited} | set(held))
        words = f"take {plan.take}: {', '.join(changed) or 'nothing changed'}"
        return words + (f"; kept as you edited it: {', '.join(kept)}" if kept else "")

    def switch(self, step: int) -> str:
        """The take after or before the current one, in the same clips."""
        _, folder = self._selected()
        takes = self._daemon.get("takes", folder=str(folder))
        numbers = sorted(row["number"] for row in takes["takes"])
        at = numbers.index(takes["current"]) + step
        if not 0 <= at < len(numbers):
            return f"take {takes['current']} is the {'last' if step > 0 else 'first'}"
        job = self._daemon.work("use", folder=str(folder), take=numbers[at])
        self._seen = None if self._seen is None else {*self._seen, job["id"]}
        return _words(self._bring(folder))

    def push(self) -> str:
        """The whole score again, with its locators."""
        _, folder = self._selected()
        return _words(self.live.push(plan_of_folder(folder)))

    def _selected(self) -> tuple[Selection, Path]:
        selection = self.live.read_selection()
        memory = self.live.link.ask("memory")
        said = str((memory.get(selection.cue) or {}).get("folder") or "")
        folder = Path(said)
        if not said or not folder.is_dir():
            raise InputError("the score folder that this came from is not there any more", said, "no_score")
        return selection, folder

    def _protect(self, folder: Path, plan: Plan, selection: Selection) -> tuple[str, ...]:
        """Make what was edited by hand in the selection count as locked; the parts."""
        edited = [item for item in plan.items if item.id in selection.edited]
        for item in edited:
            self._remember(self._daemon.work("lock", folder=str(folder), part=item.part, section=item.section))
        return tuple(dict.fromkeys(item.part for item in edited))

    def _ask_for_take(self, folder: Path, start: Fraction, end: Fraction, parts: tuple[str, ...]) -> dict[str, Any]:
        wanted: dict[str, Any] = {"folder": str(folder), "start": f"{float(start):.6f}", "end": f"{float(end):.6f}"}
        if parts:
            wanted["parts"] = ",".join(parts)
        return self._remember(self._daemon.work("regenerate", **wanted))

    def _remember(self, job: dict[str, Any]) -> dict[str, Any]:
        """A job of our own is not somebody else's news."""
        if self._seen is not None:
            self._seen.add(job["id"])
        return job

    # --- what others do ---

    def _follow(self) -> int:
        """Bring takes that were made elsewhere into Live; how many scores were brought."""
        try:
            jobs = self._daemon.get("status")["jobs"]
        except EmsyncError:
            return 0  # there is no daemon: nothing can have been done by it
        ended = {job["id"]: job for job in jobs if job["ended"] is not None}
        fresh = [] if self._seen is None else [job for job_id, job in ended.items() if job_id not in self._seen]
        self._seen = {*ended, *(self._seen or ())}
        folders = {job["request"].get("folder") for job in fresh if job["state"] == "done" and job["call"] in _FOLLOWED}
        if not folders:
            return 0
        known = self.live.link.ask("memory").values()
        here = {Path(row["folder"]) for row in known if row.get("folder")}
        there = [Path(folder) for folder in folders if folder and Path(folder) in here]
        for folder in there:
            self._tell(self._brought(folder))
        return len(there)

    def _brought(self, folder: Path) -> str:
        """Bring a score; what was done, or why it could not be: a folder that is damaged does not keep the others."""
        try:
            return _words(self._bring(folder))
        except TargetError:
            raise
        except EmsyncError as error:
            return str(error)

    def _bring(self, folder: Path) -> Delivered:
        """The current take of a folder, into the clips that are in the set."""
        plan = plan_of_folder(folder)
        delivered = self.live.replace(plan, Region(0, plan.end_tick))
        lock_edited(folder, delivered)
        return delivered

    def _tell(self, text: str) -> None:
        self._say_here(text)
        self.live.link.ask("say", {"text": f"EMSYNC: {text}"})


def _words(delivered: Delivered) -> str:
    changed = delivered.count("written", "updated", "removed", "beside")
    kept = sorted({item.part for item in delivered.edited})
    words = f"take {delivered.take}: {changed} of {len(delivered.items)} clips changed"
    return words + (f"; kept as you edited it: {', '.join(kept)}" if kept else "")

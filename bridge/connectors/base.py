"""The one interface to every DAW: what a target can do, what was asked of it, what it did.

A connector says what its target can take (``hello``), writes a whole plan (``push``) or the items of a region
(``replace``), tells what the user has selected there (``read_selection``) and moves the playhead (``transport``). What
a target cannot take is said in ``Delivered.left_out``, with the file to use instead. Nothing is left out silently.

The rules every connector keeps:

* Everything that is written carries its id from the plan; a later push finds it by id and updates it. Pushing the same
  plan twice changes nothing the second time.
* With each item, the hash of what was written is kept in the target (or beside it). ``decide`` compares it with the
  hash of what is there now: what was edited by hand is never overwritten.
* One push or replace is one undo step where the target has undo.
* Whatever keeps the target from answering is a ``TargetError`` with its state; the next call tries anew.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, fields, replace
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar, Literal

from bridge.connectors.plan import Plan, PlanItem, Region
from emsync_engine.errors import EmsyncError

State = Literal["ready", "busy", "closed", "crashed", "not_installed", "other_version", "refused"]
"""Of a target: ``closed`` nobody there, ``crashed`` it was there and stopped answering without saying goodbye,
``busy`` it is there and does not answer in time (a menu is open, it renders), ``refused`` it answered with an error."""

OnEdit = Literal["keep", "beside"]
"""What becomes of an item that was edited by hand: it stays as it is, or the new one is written as a take beside it."""

Outcome = Literal["written", "updated", "unchanged", "kept", "locked", "beside", "removed", "left_out"]
"""What became of an item: ``written`` was not there, ``updated`` replaced what we had written, ``unchanged`` was
there already, ``kept`` was edited by hand and stays, ``locked`` is locked in the target and stays, ``beside`` a new
take beside the edited one, ``removed`` not in the plan any more, ``left_out`` the target cannot take it."""

Command = Literal["state", "play", "stop", "locate"]

Progress = Callable[[float, str], None]


class TargetError(EmsyncError):
    """The target does not answer, or not as it should (exit status 5).

    Args:
        message: what happened and what to do.
        state: of the target; the code is ``daw_`` and the state.
        where: target and address.
    """

    exit_status = 5
    default_code = "daw_error"

    def __init__(self, message: str, state: State, where: str = "") -> None:
        super().__init__(message, where, f"daw_{state}")
        self.state: State = state


class CannotError(EmsyncError):
    """The target has no such ability (exit status 2): ``hello`` says so beforehand."""

    exit_status = 2
    default_code = "daw_cannot"


@dataclass(frozen=True)
class Capabilities:
    """What a target can take from us."""

    tempo_map: bool = False
    controllers: bool = False
    arrangement_write: bool = False
    markers: bool = False
    read_selection: bool = False
    takes: bool = False
    """Alternatives of an item stay beside each other in the target."""
    undo_group: bool = False
    """A push is one step of the target's undo."""
    video: bool = False
    """The picture is put, or kept, in the target."""

    def names(self) -> tuple[str, ...]:
        return tuple(f.name for f in fields(self) if getattr(self, f.name))

    def missing(self) -> tuple[str, ...]:
        return tuple(f.name for f in fields(self) if not getattr(self, f.name))


@dataclass(frozen=True)
class Hello:
    """Who is there."""

    target: str
    """Name of the connector."""
    application: str
    """Such as ``REAPER 7.22``; empty where nothing tells."""
    state: State
    capabilities: Capabilities
    said: tuple[str, ...] = ()
    """Limits and hints in plain words."""

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "said": list(self.said)}


@dataclass(frozen=True)
class ItemResult:
    """What became of one item."""

    id: str
    part: str
    section: str
    outcome: Outcome
    note: str = ""


@dataclass(frozen=True)
class LeftOut:
    """Something that the target could not take, and the file that holds it."""

    what: str
    """A capability, or a part."""
    why: str
    file: str = ""
    """Path; empty where no file helps."""


@dataclass(frozen=True)
class Delivered:
    """What a push or replace did."""

    target: str
    application: str
    cue: str
    take: int
    items: tuple[ItemResult, ...] = ()
    tempo_events: int = 0
    """Tempo and metre events written."""
    markers: int = 0
    """Markers written or found in place."""
    tracks: int = 0
    """Tracks written to."""
    files: tuple[str, ...] = ()
    """Paths of files written for the user."""
    left_out: tuple[LeftOut, ...] = ()
    said: tuple[str, ...] = ()
    """Sentences for the user: what to do next, what to watch."""

    def count(self, *outcomes: Outcome) -> int:
        return sum(1 for item in self.items if item.outcome in outcomes)

    @property
    def edited(self) -> tuple[ItemResult, ...]:
        """The items that were found edited by hand."""
        return tuple(item for item in self.items if item.outcome in ("kept", "beside"))

    def as_json(self) -> dict[str, Any]:
        return {
            **{f.name: getattr(self, f.name) for f in fields(self) if f.name not in ("items", "left_out")},
            "files": list(self.files),
            "said": list(self.said),
            "items": [asdict(item) for item in self.items],
            "left_out": [asdict(row) for row in self.left_out],
        }


@dataclass(frozen=True)
class Selection:
    """What the user has selected in the target. Seconds from the head of the cue."""

    start_s: Fraction
    end_s: Fraction
    parts: tuple[str, ...] = ()
    """Ids of parts; empty when nothing of ours is selected, which stands for all."""
    edited: tuple[str, ...] = ()
    """Ids of items in the selection that were edited by hand since they were written."""
    cue: str = ""


@dataclass(frozen=True)
class TransportState:
    """Where the playhead is."""

    playing: bool
    seconds: Fraction
    """From the head of the cue."""


@dataclass(frozen=True)
class Options:
    """How to reach a target."""

    at: str = ""
    """Its address: a port name (midi), ``host:port`` (live, abletonosc), a folder (files, reaper, ardour); empty for
    the usual one."""
    timeout_s: float = 10.0
    """Longest wait for one answer."""
    on_edit: OnEdit = "keep"


def silent(done: float, stage: str) -> None:
    """Progress nobody watches."""


class Connector(ABC):
    """A target. Use it as a context manager; a method that finds its target gone raises ``TargetError`` and may be
    called again."""

    name: ClassVar[str]
    """As in ``emsync send --to NAME``."""

    def __init__(self, options: Options | None = None) -> None:
        self.options = options or Options()

    @abstractmethod
    def hello(self) -> Hello:
        """Who is there and what it can do. Raises ``TargetError`` when nobody is."""

    @abstractmethod
    def push(self, plan: Plan, progress: Progress = silent) -> Delivered:
        """Write the whole cue: tempo map, then markers, then tracks, then items."""

    def replace(self, plan: Plan, region: Region, progress: Progress = silent) -> Delivered:
        """Write the items that the region touches, in place, and nothing else.

        ``plan`` is that of the new take; notes outside the region are the same in it.
        """
        raise self.cannot("replace a region", "send the whole score instead")

    def read_selection(self) -> Selection:
        """The user's time selection and tracks."""
        raise self.cannot("tell what is selected", "give --start, --end and --parts to emsync regenerate")

    def transport(self, command: Command = "state", seconds: Fraction | float = 0) -> TransportState:
        """Play, stop, or move the playhead to ``seconds`` from the head of the cue; the state afterwards."""
        raise self.cannot("be played from here", "use its own transport")

    def close(self) -> None:  # noqa: B027 - most targets have nothing to let go of
        """Let go of ports and files."""

    def cannot(self, what: str, remedy: str) -> CannotError:
        return CannotError(f"{self.name} cannot {what}; {remedy}", self.name)

    def __enter__(self) -> Connector:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def decide(
    wanted: str, written: str | None, found: str | None, *, locked: bool = False, on_edit: OnEdit = "keep"
) -> Outcome:
    """What to do with an item.

    Args:
        wanted: hash of the item in the plan.
        written: hash kept when it was written; None when it was never written.
        found: hash of what is there now, computed as ``written`` was; None when it is not there.
        locked: the user has locked it in the target.
        on_edit: what to do when it was edited by hand.
    """
    if found is None:
        return "written"
    if found == wanted:
        return "unchanged"
    if locked:
        return "locked"
    if found != written:
        return "beside" if on_edit == "beside" else "kept"
    return "updated"


def result(item: PlanItem, outcome: Outcome, note: str = "") -> ItemResult:
    return ItemResult(item.id, item.part, item.section, outcome, note)


def left_out(plan: Plan, what: str, why: str, *names: str) -> LeftOut:
    """Something the target cannot take, with the first of the named files of the score folder that lies there."""
    found = next((path for path in map(plan.file, names) if path is not None), None)
    return LeftOut(what, why, str(found) if found else "")


def with_said(delivered: Delivered, sentences: Iterable[str]) -> Delivered:
    return replace(delivered, said=(*delivered.said, *sentences))


def lock_edited(folder: Path, delivered: Delivered) -> tuple[str, ...]:
    """Make what was found edited by hand count as locked in the score folder, so that the next regeneration leaves it.

    Returns:
        A sentence for each part and section that was locked.
    """
    from bridge.folder import Lock, ScoreFolder
    from bridge.history import change_locks
    from bridge.locks import is_locked

    held = ScoreFolder(folder).document().locks
    known = {section.id for section in ScoreFolder(folder).take().score.sections}
    fresh = [
        Lock(item.part, item.section)
        for item in delivered.edited
        if item.section in known and not is_locked(held, item.part, item.section)
    ]
    if fresh:
        change_locks(folder, fresh, locked=True)
    return tuple(
        f"{lock.part} in section {lock.section} was edited by hand and is now locked "
        f"(emsync takes DIR unlock --part {lock.part} --section {lock.section} frees it)"
        for lock in fresh
    )

"""The strict part of the fake Live: only what is in the published table is there, with the types that Live wants."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

from tests.daw_scripts.live.lom import Member, Version, table

NOTIFICATION = "Changes cannot be triggered by notifications. You will need to defer your response."


class ArgumentError(TypeError):
    """What Live's bindings raise when types or their number do not match the signature."""


class UndoLeftOpenError(AssertionError):
    """A tick ended inside an undo step."""


class World:
    """What all objects of one Live share: its version, the undo steps, whether a listener is running."""

    def __init__(self, version: Version) -> None:
        self.version = version
        self.notifying = 0
        self.depth = 0
        self.steps: list[list[Callable[[], None]]] = []
        self.undoing = False
        self.pointers = itertools.count(1000)
        self.calls: list[str] = []

    def record(self, inverse: Callable[[], None]) -> None:
        """Note how a change is undone; outside a begin/end pair it is a step of its own."""
        if self.undoing:
            return
        if self.depth and self.steps:
            self.steps[-1].append(inverse)
        else:
            self.steps.append([inverse])

    def undo(self) -> None:
        if self.depth:
            raise RuntimeError("undo inside an undo step")
        while self.steps and not self.steps[-1]:
            self.steps.pop()
        self.undoing = True
        try:
            for inverse in reversed(self.steps.pop() if self.steps else []):
                inverse()
        finally:
            self.undoing = False

    def check_may_write(self) -> None:
        if self.notifying:
            raise RuntimeError(NOTIFICATION)

    @contextmanager
    def notification(self) -> Iterator[None]:
        self.notifying += 1
        try:
            yield
        finally:
            self.notifying -= 1


class Vector(tuple):  # type: ignore[type-arg]
    """Live's vectors: an index that is not there is an ``IndexError`` with Live's words; names are no indices."""

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return Vector(tuple.__getitem__(self, index))
        if not isinstance(index, int):
            raise ArgumentError(f"Vector indices are int, not {type(index).__name__}")
        try:
            return tuple.__getitem__(self, index)
        except IndexError as error:
            raise IndexError("Index out of range") from error


class LomObject:
    """Base of everything in the fake. A subclass has ``get_NAME``, ``set_NAME`` and ``do_NAME`` for its members."""

    LOM: ClassVar[str] = ""
    READS: ClassVar[frozenset[str]] = frozenset()
    """Methods that change nothing, and so may be called from listeners."""

    def __init__(self, world: World, **values: Any) -> None:
        put = object.__setattr__
        put(self, "_world", world)
        put(self, "_values", values)
        put(self, "_alive", True)
        put(self, "_listeners", {})
        put(self, "_live_ptr", next(world.pointers))

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        rows = table()[self.LOM]
        listener = self._listener_method(name)
        if listener is not None:
            return listener
        row = rows.members.get(name)
        if row is None or row.since > self._world.version:
            raise AttributeError(f"'{self.LOM}' object has no attribute '{name}'")
        self._check_alive()
        if row.is_method:
            return self._method(row)
        own = self._own("get", name)
        return own() if own else self._values[name]

    def __setattr__(self, name: str, value: Any) -> None:
        row = table()[self.LOM].members.get(name)
        if row is None or row.since > self._world.version or row.is_method:
            raise AttributeError(f"'{self.LOM}' object has no attribute '{name}'")
        if row.settable_since is None or row.settable_since > self._world.version:
            raise AttributeError(f"can't set attribute '{name}' of '{self.LOM}' object")
        self._check_alive()
        self._world.check_may_write()
        if not fits(value, row.result):
            raise ArgumentError(f"{self.LOM}.{name} = {type(value).__name__} did not match C++ signature")
        value = float(value) if row.result == "float" else value
        own = self._own("set", name)
        if own:
            own(value)
        else:
            self.put(name, value)

    def put(self, name: str, value: Any) -> None:
        """Set a value with undo and notification."""
        before = self._values.get(name)
        if before == value and type(before) is type(value):
            return
        self._world.record(lambda: self._values.__setitem__(name, before))
        self._values[name] = value
        self.notify(name)

    def notify(self, name: str) -> None:
        for callback in tuple(self._listeners.get(name, ())):
            with self._world.notification():
                callback()

    def kill(self) -> None:
        object.__setattr__(self, "_alive", False)

    def revive(self) -> None:
        object.__setattr__(self, "_alive", True)

    def _own(self, kind: str, name: str) -> Any:
        method = getattr(type(self), f"{kind}_{name}", None)
        return method.__get__(self) if method else None

    def _check_alive(self) -> None:
        if not self._alive:
            raise RuntimeError(f"this {self.LOM} is not valid any more: it was deleted in Live")

    def _method(self, row: Member) -> Callable[..., Any]:
        own = self._own("do", row.name)
        if own is None:
            raise NotImplementedError(f"the fake has no {self.LOM}.{row.name}; the real Live has")

        def call(*arguments: Any, **named: Any) -> Any:
            if named:
                raise ArgumentError(f"{self.LOM}.{row.name} takes no keyword arguments here")
            check_arguments(self.LOM, row, arguments)
            if row.name not in self.READS:
                self._world.check_may_write()
            self._world.calls.append(f"{self.LOM}.{row.name}")
            return own(*arguments)

        return call

    def _listener_method(self, name: str) -> Callable[..., Any] | None:
        observable = table()[self.LOM].observable
        for prefix, suffix in (("add_", "_listener"), ("remove_", "_listener"), ("", "_has_listener")):
            middle = name[len(prefix) : -len(suffix)]
            if name == f"{prefix}{middle}{suffix}" and middle in observable:
                return lambda callback: self._listen(prefix, middle, callback)
        return None

    def _listen(self, how: str, name: str, callback: Callable[[], None]) -> Any:
        known = self._listeners.setdefault(name, [])
        if not how:
            return callback in known
        if how == "add_":
            known.append(callback)
        elif callback in known:
            known.remove(callback)
        else:
            raise RuntimeError(f"the listener of {self.LOM}.{name} was not connected")
        return None

    def __eq__(self, other: object) -> bool:
        return self is other

    def __hash__(self) -> int:
        return id(self)

    def __repr__(self) -> str:
        return f"<{self.LOM}.{self.LOM} object>"


def check_arguments(owner: str, row: Member, arguments: tuple[Any, ...]) -> None:
    needed = sum(not a.optional for a in row.arguments)
    right = needed <= len(arguments) <= len(row.arguments)
    if not right or not all(fits(v, a.kind) for v, a in zip(arguments, row.arguments)):
        given = ", ".join(type(a).__name__ for a in arguments)
        wanted = ", ".join(a.kind for a in row.arguments)
        raise ArgumentError(
            f"Python argument types in {owner}.{row.name}({given}) did not match C++ signature ({wanted})"
        )


def fits(value: Any, kind: str) -> bool:
    """Whether Boost.Python would convert it: a float is never an int, a text never a number."""
    if kind == "object":
        return True
    if kind == "int":
        return isinstance(value, int)
    if kind == "float":
        return isinstance(value, int | float)
    if kind == "bool":
        return isinstance(value, int)
    if kind == "str":
        return isinstance(value, str)
    if kind == "tuple":
        return isinstance(value, tuple)
    return isinstance(value, LomObject) and kind == value.LOM

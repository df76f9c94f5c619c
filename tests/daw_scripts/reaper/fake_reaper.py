"""A strict REAPER without REAPER: our Lua scripts run in it, and every misuse of the API fails the test.

Unknown functions, wrong numbers and types of arguments, pointers to things that are gone, changes outside an undo
block, blocks and redraw locks that stay open are all remembered as misuse, also when a script catches the error, and
raised when the script or the turn of the defer loop is over.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.daw_scripts.reaper.api_table import API, Function
from tests.daw_scripts.reaper.fake_functions import Functions
from tests.daw_scripts.reaper.fake_project import Item, MisuseError, Project, Source, Take, Track

LUAS = ("lua53", "lua54")
NEWEST, OLDEST = "7.22/linux-x86_64", "6.82/linux-x86_64"
_KINDS: dict[str, tuple[type, ...]] = {
    "str": (str,), "bool": (bool,), "int": (int,), "num": (int, float), "T": (Track,), "I": (Item,), "K": (Take,),
    "S": (Source,),
}  # fmt: skip
_FRAME_S = 1 / 30


class FakeReaper(Functions):
    """One running REAPER.

    Args:
        resources: its resource path.
        lua: module of lupa to run scripts in.
        version: as GetAppVersion says.
    """

    def __init__(self, resources: Path, lua: str = "lua54", version: str = NEWEST) -> None:
        super().__init__(resources, version)
        self.lua: Any = importlib.import_module(f"lupa.{lua}")
        self.misuse: list[str] = []
        self.called: set[str] = set()
        self.log: list[str] = []
        """Names of all functions that were called, in order."""
        self.on_write: Callable[[], None] | None = None
        """Called after each piece that a script writes into a file."""

    # --- scripts ---

    def run(self, path: Path) -> None:
        """Run a script as an action; raise what was wrong."""
        self.start_script(str(path))
        self._settle(path.name)

    def start_script(self, path: str) -> None:
        runtime = self.lua.LuaRuntime(encoding="latin-1", unpack_returned_tuples=True, register_eval=False)
        runtime.globals().reaper = self._table(runtime)
        runtime.globals().python = None
        self._watch_files(runtime)
        before, self.script = self.script, path
        try:
            run = runtime.eval("function(path) return xpcall(dofile, debug.traceback, path) end")
            result = run(path)
        finally:
            self.script = before
        if isinstance(result, tuple) and result[0] is not True:
            self.misuse.append(str(result[1]))

    def turn(self, times: int = 1) -> None:
        """So many turns of the defer loop."""
        for _ in range(times):
            waiting, self.deferred = self.deferred, []
            self.now += _FRAME_S
            for function in waiting:
                self._call(function)
            self._settle("defer")

    def _call(self, function: Callable[[], None]) -> None:
        try:
            function()
        except Exception as error:
            self.misuse.append(f"a deferred function failed: {error}")

    def quit(self) -> None:
        """Close REAPER as a user does."""
        self.deferred = []
        for function in self.at_exit:
            function()
        self.at_exit = []
        self._settle("exit")

    def crash(self) -> None:
        """REAPER is gone without a word; what the last save has stays."""
        self.deferred, self.at_exit = [], []

    def _settle(self, where: str) -> None:
        if self.undo_depth:
            self.misuse.append(f"{where}: an undo block was left open")
        if self.prevented:
            self.misuse.append(f"{where}: PreventUIRefresh was not released")
        if self.misuse:
            raise MisuseError("; ".join(self.misuse))

    # --- the API as a strict table ---

    def has_function(self, name: str) -> bool:
        return name in API and API[name].since <= self._number

    @property
    def _number(self) -> float:
        return float(self.version.split("/")[0])

    def _table(self, runtime: Any) -> Any:
        table = runtime.table()
        for name, function in API.items():
            if self.has_function(name):
                table[name] = self._strict(function)
        strict = runtime.eval(
            "function(t, missing) return setmetatable(t, {__index = function(_, k) missing(k) end}) end"
        )
        return strict(table, self._missing)

    def _missing(self, name: object) -> None:
        self._wrong(f"there is no reaper.{name} in REAPER {self.version}")

    def _wrong(self, text: str) -> None:
        self.misuse.append(text)
        raise MisuseError(text)

    def _strict(self, function: Function) -> Callable[..., Any]:
        def call(*arguments: Any) -> Any:
            self._check(function, arguments)
            self.called.add(function.name)
            self.log.append(function.name)
            perform = getattr(self, function.name, None)
            if perform is None:
                self._wrong(f"the fake cannot do reaper.{function.name}: teach it")
            try:
                return perform(*arguments)
            except MisuseError as error:
                self.misuse.append(f"reaper.{function.name}: {error}")
                raise

        return call

    def _check(self, function: Function, arguments: tuple[Any, ...]) -> None:
        where = f"reaper.{function.name}"
        if not function.least <= len(arguments) <= len(function.arguments):
            wanted = ", ".join(function.arguments)
            self._wrong(f"{where} takes ({wanted}), not {len(arguments)} arguments")
        for number, (value, kind) in enumerate(zip(arguments, function.arguments), 1):
            if value is None and kind.endswith("?"):
                continue
            if not self._fits(value, kind.rstrip("?")):
                self._wrong(f"{where}: argument {number} is {value!r}, not {kind}")
            if isinstance(value, Track | Item | Take) and not any(p.has(value) for p in self.projects):
                self._wrong(f"{where}: argument {number} is a pointer to something that is gone")

    def _fits(self, value: Any, kind: str) -> bool:
        if kind == "P":
            return value is None or value == 0 or isinstance(value, Project)
        if kind == "fn":
            return callable(value)
        return isinstance(value, _KINDS[kind]) and (kind == "bool" or not isinstance(value, bool))

    # --- files ---

    def _watch_files(self, runtime: Any) -> None:
        """Tell ``on_write`` of every piece that is written."""
        runtime.eval(
            """function(written)
              local open = io.open
              io.open = function(path, mode)
                local file, why = open(path, mode)
                if not file or not (mode or 'r'):find('[wa+]') then return file, why end
                written()
                return {
                  write = function(_, text)
                    local half = #text // 2
                    local ok = file:write(text:sub(1, half))
                    file:flush()
                    written()
                    ok = ok and file:write(text:sub(half + 1))
                    return ok
                  end,
                  close = function() local ok = file:close(); written(); return ok end,
                  seek = function(_, ...) return file:seek(...) end,
                  read = function(_, ...) return file:read(...) end,
                }
              end
            end"""
        )(lambda: self.on_write() if self.on_write else None)

"""``emsync watch``: every export that appears in a folder is scored, or conformed when it is a new version of a cue.

The work is done by a worker process, so that a file on which a reader crashes ends neither the watch nor a score.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bridge.daemon.process import Worker, WorkerDiedError
from bridge.daemon.tasks import stop_asked
from bridge.files import Look, only_writer
from bridge.settings import Settings
from bridge.watch_exports import Handled, Memory, Settling, cue_of, digest_of, exports, score_folders, was_made_from
from emsync_engine.errors import InputError

SETTLE_S = 2.0
"""An export that has not changed for so long is taken to be written."""
_EVERY_S = 0.5
_LONGEST_S = 4 * 3600.0
"""For one export."""


@dataclass(frozen=True)
class WatchRequest:
    """``emsync watch``."""

    folder: Path
    output: Path | None = None
    """Where score folders are made; default: in the folder itself."""
    settings: Settings = field(default_factory=Settings)
    detect_within: bool = False
    once: bool = False
    """End when everything that is there has been handled."""
    settle_s: float = SETTLE_S


@dataclass(frozen=True)
class Line:
    """What became of an export."""

    file: str
    ok: bool
    text: str
    folder: str = ""

    def __str__(self) -> str:
        return f"{self.file}: {self.text}"


def watch(request: WatchRequest, tell: Callable[[Line], None]) -> list[Line]:
    """Watch until SIGTERM or SIGINT, or once.

    Returns:
        What was told, in order.

    Raises:
        InputError: there is no such folder, or another emsync watches it.
    """
    if not request.folder.is_dir():
        raise InputError("there is no such folder", str(request.folder), "no_such_folder")
    home = request.output or request.folder
    home.mkdir(parents=True, exist_ok=True)
    with only_writer(home, wait_s=0):
        return asyncio.run(_Watch(request, home, tell).run())


class _Watch:
    def __init__(self, request: WatchRequest, home: Path, tell: Callable[[Line], None]) -> None:
        self._request, self._home, self._tell = request, home, tell
        self._lines: list[Line] = []
        self._worker = Worker()
        self._memory = Memory(home)
        self._settling = Settling(request.settle_s)
        self._lost = ""

    async def run(self) -> list[Line]:
        stop = stop_asked()
        work = asyncio.create_task(self._work())
        try:
            await asyncio.wait({stop, work}, return_when=asyncio.FIRST_COMPLETED)
            if work.done():
                work.result()  # which raises what ended it
        finally:
            work.cancel()
            with suppress(asyncio.CancelledError):
                await work
            await self._worker.end()
        return self._lines

    async def _work(self) -> None:
        while True:
            looks = await asyncio.to_thread(self._new_exports)
            for path in self._settling.settled(looks, time.monotonic()):
                await self._handle(path, looks[path])
                del looks[path]
            if self._request.once and not looks:
                return
            await asyncio.sleep(min(_EVERY_S, self._request.settle_s / 2))

    def _new_exports(self) -> dict[Path, Look]:
        """Those that are not handled yet. A folder that has gone (a drive, a network) may come back."""
        try:
            found = exports(self._request.folder)
        except OSError as error:
            if self._request.once:
                raise
            if not self._lost:
                self._lost = error.strerror or str(error)
                self._say(Line(str(self._request.folder), False, f"cannot be listed: {self._lost}; waiting for it"))
            return {}
        self._lost = ""
        return {path: look for path, look in found.items() if not self._memory.is_handled(path, look)}

    async def _handle(self, path: Path, look: Look) -> None:
        home = self._home / f"{cue_of(path)}.emsync"
        digest = await asyncio.to_thread(digest_of, path)  # before it is read: what is saved meanwhile is news
        known = await asyncio.to_thread(score_folders, home)
        if len(known) == 1 and await asyncio.to_thread(was_made_from, known[0], path, look):
            line = Line(path.name, True, f"is scored already ({home.name})", str(home))
        elif known:
            lines = [await self._conformed(path, folder) for folder in known]
            line = next((said for said in lines if not said.ok), lines[0])
        else:
            line = await self._scored(path, home)
        self._memory.add(path, Handled(look, digest, line.text))
        self._say(line)

    async def _scored(self, path: Path, home: Path) -> Line:
        asked = {"source": str(path.resolve()), "output": str(home.resolve())}

        def said(result: dict[str, Any]) -> str:
            cues = result.get("cues", [result])
            hits = sum(len(cue["hits"]) for cue in cues)
            what = "scored" if len(cues) == 1 else f"scored in {len(cues)} cues"
            return f"{what}, {hits} {'hit' if hits == 1 else 'hits'}, take {result['take']} ({home.name})"

        return await self._done("score", asked, path, home, said)

    async def _conformed(self, path: Path, folder: Path) -> Line:
        asked = {"source": str(path.resolve()), "folder": str(folder.resolve())}

        def said(result: dict[str, Any]) -> str:
            count, kept_s = len(result["changes"]), result["kept_s"]
            changes = "1 change" if count == 1 else f"{count} changes"
            return f"conformed, {changes}, {kept_s:.1f} s kept, take {result['take']} ({folder.name})"

        return await self._done("conform", asked, path, folder, said)

    async def _done(
        self, call: str, asked: dict[str, Any], path: Path, folder: Path, said: Callable[[dict[str, Any]], str]
    ) -> Line:
        """Have the worker do it: the line that tells how it went."""
        request = {**asked, **settings_json(self._request.settings), "within": self._request.detect_within}
        try:
            answer = await asyncio.wait_for(self._worker.work(call, request, lambda done, stage: None), _LONGEST_S)
        except (WorkerDiedError, asyncio.TimeoutError) as error:
            await self._worker.end()
            why = "it took too long" if isinstance(error, asyncio.TimeoutError) else f"reading it failed hard: {error}"
            return Line(path.name, False, f"{why} (it is tried again when it changes)")
        if "result" in answer:
            return Line(path.name, True, said(answer["result"]), str(folder))
        message = " ".join(str(answer["error"]["message"]).split())
        return Line(path.name, False, f"{message} (it is tried again when it changes)")

    def _say(self, line: Line) -> None:
        self._lines.append(line)
        self._tell(line)


def settings_json(settings: Settings) -> dict[str, Any]:
    """Settings as the worker reads them; what is open is left out."""
    said: dict[str, Any] = {
        "mood": ",".join(map(str, settings.mood)) if settings.mood else None,
        "seed": settings.seed,
        "parts": ",".join(settings.parts) if settings.parts else None,
        "min_gap": str(settings.min_gap) if settings.min_gap is not None else None,
        "tempo": str(settings.tempo) if settings.tempo is not None else None,
        "key": settings.key.name if settings.key else None,
        "engine": settings.engine,
        "soundfont": str(settings.soundfont.resolve()) if settings.soundfont else None,
        "media_roots": [str(root.resolve()) for root in settings.media_roots] or None,
        "rate": str(settings.rate) if settings.rate else None,
    }
    return {k: v for k, v in said.items() if v is not None}

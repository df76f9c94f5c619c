"""The daemon as a whole: starts everything, says where it listens, and stops cleanly."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from bridge.connectors.reaper_mailbox import PumpThread
from bridge.daemon import state
from bridge.daemon.calls import Desk
from bridge.daemon.engine import Engine
from bridge.daemon.http_server import HttpServer
from bridge.daemon.jobs import JobStore
from bridge.daemon.osc_server import OscServer
from bridge.daemon.pads import PadDesk
from bridge.daemon.tasks import stop_asked
from bridge.daemon.transport import Transport
from bridge.live.watch import LiveWatch
from bridge.midi.deck import Wiring
from bridge.midi.triggers import Trigger
from emsync_engine.errors import InputError

LOOPBACK = "127.0.0.1"
OSC_PORT, HTTP_PORT = 17711, 17712
"""Below the ports that systems hand out, and of no DAW, controller or bridge that we know."""
_log = logging.getLogger("emsync.serve")


@dataclass(frozen=True)
class ServeRequest:
    """``emsync serve``. Port 0 takes any free one."""

    state: Path
    roots: tuple[Path, ...]
    osc_port: int = OSC_PORT
    http_port: int = HTTP_PORT
    listen: str = ""
    """Address for OSC instead of the loopback one; senders then have to say the token."""
    wiring: Wiring | None = None
    """MIDI ports, where any are wanted."""
    triggers: tuple[Trigger, ...] = ()


def serve(request: ServeRequest, started: Callable[[dict[str, Any]], None]) -> None:
    """Serve until SIGTERM or SIGINT.

    Args:
        started: is told the addresses once requests are taken.

    Raises:
        InputError: another daemon has the state folder or a port.
    """
    folder = state.open_state(request.state)
    store = JobStore(folder / state.QUEUE)
    handler = state.log_to(folder)
    try:
        asyncio.run(_serve(request, folder, store, started))
    finally:
        logging.getLogger("emsync").removeHandler(handler)
        handler.close()


async def _serve(
    request: ServeRequest, folder: Path, store: JobStore, started: Callable[[dict[str, Any]], None]
) -> None:
    engine = Engine(store)
    transport = Transport(request.wiring, request.triggers) if request.wiring else None
    desk = Desk(engine, [root.resolve() for root in request.roots], transport=transport, state=folder)
    secret = state.token(folder)
    http, osc = HttpServer(desk, secret), OscServer(desk, secret if request.listen else "")
    pads = PadDesk(desk, transport, request.triggers) if transport else None
    host = request.listen or LOOPBACK
    live, reaper = LiveWatch(folder), ExitStack()
    stop = stop_asked()
    engine.start()
    try:
        http_port = await _listen(http.start, LOOPBACK, request.http_port, "HTTP", "--http-port")
        osc_port = await _listen(osc.start, host, request.osc_port, "OSC", "--osc-port")
        if transport and pads:
            transport.start()
            pads.start()
        desk = replace(desk, http=f"http://{LOOPBACK}:{http_port}")
        http.listen_for(desk)
        osc.listen_for(desk)
        address = {"http": desk.http, "osc": _said(host, osc_port), "pid": os.getpid()}
        await engine.on_disk(state.write_address, folder, address)
        live.start()
        if folder == state.default_state():  # one daemon serves REAPER's actions, not each that has a folder of its own
            reaper.callback(PumpThread(folder).start().close)
        _log.info("listening: HTTP %s, OSC %s", address["http"], address["osc"])
        started({**address, "link": f"{desk.http}/#token={secret}", "token": str(folder / state.TOKEN)})
        await asyncio.wait({stop, engine.failure}, return_when=asyncio.FIRST_COMPLETED)
        failed = engine.failure.exception() if engine.failure.done() else None
    finally:
        await osc.stop()
        await http.stop()
        if transport and pads:
            await pads.stop()
            await transport.stop()
        await engine.stop()
        await asyncio.to_thread(live.stop)
        await asyncio.to_thread(reaper.close)
        (folder / state.ADDRESS).unlink(missing_ok=True)
        _log.info("stopped")
    if failed is not None:
        raise failed


def _said(host: str, port: int) -> str:
    """Host and port as programs of this computer reach them."""
    if ip_address(host).is_unspecified:
        host = LOOPBACK if ip_address(host).version == 4 else "::1"
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


async def _listen(start: Callable[[str, int], Any], host: str, port: int, what: str, option: str) -> int:
    """Raises:
    InputError: the port is taken, or the address is not of this computer.
    """
    try:
        return int(await start(host, port))
    except OSError as error:
        where = f"{what} port {port}" if host == LOOPBACK else f"{what} at {host} port {port}"
        raise InputError(f"{where}: {error.strerror}; give another one with {option}", code="port_in_use") from error

"""A real Ardour for tests: without a display, without sound hardware, with settings and a session of its own.

Ardour's own dummy engine plays, or JACK with its dummy driver; Xvfb is the screen. Ardour's settings hold our scripts
as a user would have them after having chosen them once in the Script Manager.
"""

from __future__ import annotations

import base64
import os
import shutil
import socket
import subprocess
import time
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bridge.connectors.ardour_mailbox import Mailbox
from bridge.connectors.ardour_osc import ArdourOsc
from daw_scripts import script_path

_START_S, _END_S = 150.0, 10.0  # bounds for a machine that has much else to do
_PROBE_S = 0.1  # short, so that the tests begin while Ardour is still starting
_TIMER_DS, _SIGNALS = 47, 49  # number of LuaSignal.LuaTimerDS, and of all signals, in Ardour 7

_CONFIG = """<?xml version="1.0" encoding="UTF-8"?>
<Ardour>
  <Config>
    <Option name="hide-dummy-backend" value="0"/>
    <Option name="try-autostart-engine" value="1"/>
    <Option name="discover-plugins-on-start" value="0"/>
    <Option name="osc-port" value="{port}"/>
  </Config>
  <Extra>
    <AudioMIDISetup>
      <EngineStates>
        <State backend="{backend}" driver="{driver}" device="{device}" input-device="" output-device=""
          sample-rate="48000" buffer-size="1024" n-periods="0" input-latency="0" output-latency="0" lm-input=""
          lm-output="" active="1" use-buffered-io="0" midi-option="1 in, 1 out, Silence" lru="1">
          <MIDIDevices/>
        </State>
      </EngineStates>
    </AudioMIDISetup>
  </Extra>
  <ControlProtocols>
    <Protocol name="Open Sound Control (OSC)" active="1"/>
  </ControlProtocols>
</Ardour>
"""

_NEW_SESSION = """
AudioEngine:set_backend(arg[2], "", "")
assert(create_session(arg[1], "cue", 48000))
Session:save_state("")
close_session()
quit()
"""


class DoesNotStartError(Exception):
    """Ardour is installed and cannot be used here: no fault of ours."""


@dataclass(frozen=True)
class Engine:
    """What plays: an audio backend of Ardour's, as its settings name it."""

    backend: str
    driver: str = ""
    device: str = ""


DUMMY = Engine("None (Dummy)", "Normal Speed", "Silence")
JACK = Engine("JACK")


class ArdourHost:
    """A running Ardour with one session open."""

    def __init__(self, home: Path, engine: Engine) -> None:
        self.home = home
        self.engine = engine
        self.settings = home / "config" / "ardour7"
        self.session = home / "cue"
        self.osc_port = free_udp_port()
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def ended(self) -> int | None:
        """Ardour's exit status, if it ended by itself."""
        return None if self.process is None else self.process.poll()

    @property
    def state(self) -> ET.Element:
        """The saved session."""
        return ET.parse(self.session / "cue.ardour").getroot()

    def save(self) -> ET.Element:
        """Save, wait until it is done, and read. Ardour writes nothing when nothing has changed."""
        before = self._stamp()
        deadline = time.monotonic() + 3
        with self.osc() as osc:
            osc.send("/save_state")
            while self._stamp() in (before, None) and time.monotonic() < deadline:
                time.sleep(0.05)
        return self.state

    def _stamp(self) -> int | None:
        """When the session was written; None for the moment in which it is."""
        try:
            return (self.session / "cue.ardour").stat().st_mtime_ns
        except FileNotFoundError:
            return None

    @contextmanager
    def osc(self) -> Iterator[ArdourOsc]:
        osc = ArdourOsc(port=self.osc_port, timeout_s=20)
        try:
            yield osc
        finally:
            osc.close()

    def quit(self) -> None:
        """Have it end by itself, as a user would: what it uses knows then that it is gone."""
        with self.osc() as osc:
            osc.action("Common/Quit")
        with suppress(subprocess.TimeoutExpired):
            assert self.process is not None
            self.process.wait(_END_S)

    def action(self, number: int) -> None:
        with self.osc() as osc:
            osc.action(f"LuaAction/script-{number}")


def missing() -> str:
    """Why Ardour cannot be run here; empty when it can."""
    for program in ("Xvfb", "ardour7-lua"):
        if shutil.which(program) is None:
            return f"{program} is not installed (Debian 12: apt-get install --no-install-recommends ardour xvfb)"
    return "" if _program() else "the program ardour-7... was not found below /usr/lib/ardour7"


def missing_jack() -> str:
    """Why Ardour cannot be run with JACK here; empty when it can."""
    there = all(shutil.which(program) for program in ("jackd", "jack_wait"))
    return missing() or ("" if there else "JACK is not installed (Debian 12: apt-get install jackd2)")


@contextmanager
def running(home: Path, actions: Sequence[str] = (), engine: Engine = DUMMY) -> Iterator[ArdourHost]:
    """Ardour with a new session. ``actions`` are Lua sources for action slots after our own."""
    host = ArdourHost(home, engine)
    _write_settings(host, actions)
    log = home / "ardour.log"
    with ExitStack() as stack:
        display, screen = _screen()
        stack.callback(_end, screen)
        environment = _environment(host, display)
        if engine == JACK:
            stack.callback(_end, _jack(environment))
        _make_session(host, environment)
        with log.open("wb") as file:
            ardour = subprocess.Popen(
                [str(_program()), "-a", "-n", "-d", str(host.session)], env=environment, stdin=subprocess.DEVNULL,
                stdout=file, stderr=file,
            )  # fmt: skip
        stack.callback(_end, ardour)
        host.process = ardour
        _wait_until_there(host, ardour, log)
        yield host


def _make_session(host: ArdourHost, environment: Mapping[str, str]) -> None:
    new = host.home / "new.lua"
    new.write_text(_NEW_SESSION)
    try:
        words = ["ardour7-lua", str(new), str(host.session), host.engine.backend]
        subprocess.run(words, env=environment, timeout=_START_S, check=False, stdin=subprocess.DEVNULL,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # fmt: skip
    except subprocess.TimeoutExpired:
        raise DoesNotStartError(f"ardour7-lua makes no session within {_START_S:g} s") from None


def _program() -> Path | None:
    return next(iter(sorted(Path("/usr/lib/ardour7").glob("ardour-7*"))), None)


def _environment(host: ArdourHost, display: str) -> dict[str, str]:
    library = "/usr/lib/ardour7"
    return {
        **os.environ,
        "HOME": str(host.home),
        "XDG_CONFIG_HOME": str(host.settings.parent),
        "XDG_CACHE_HOME": str(host.home / "cache"),
        "DISPLAY": display,
        "NO_AT_BRIDGE": "1",
        "LD_LIBRARY_PATH": library,
        "ARDOUR_DLL_PATH": library,
        "ARDOUR_DATA_PATH": "/usr/share/ardour7",
        "ARDOUR_CONFIG_PATH": "/etc/ardour7",
        "GTK_PATH": f"/etc/ardour7:{library}",
    }


def _jack(environment: dict[str, str]) -> subprocess.Popen[bytes]:
    """A JACK server of its own, without sound hardware; ``environment`` then names it.

    Always one name: JACK knows eight servers, and one that was killed leaves its place to none but its namesake.
    """
    environment |= {"JACK_DEFAULT_SERVER": "emsync-test", "JACK_NO_START_SERVER": "1",
                    "JACK_NO_AUDIO_RESERVATION": "1"}  # fmt: skip
    words = ["jackd", "-n", environment["JACK_DEFAULT_SERVER"], "--no-realtime", "-p", "2048", "-t", "20000",
             "-d", "dummy", "-r", "48000", "-p", "1024"]  # fmt: skip
    server = subprocess.Popen(words, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL)  # fmt: skip
    subprocess.run(["jack_wait", "--wait", "--timeout", str(round(_END_S))], env=environment, check=False,
                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)  # fmt: skip
    return server


def _screen() -> tuple[str, subprocess.Popen[bytes]]:
    """A screen of its own, with a number that the server chose."""
    read, write = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(write), "-screen", "0", "1280x800x24", "-nolisten", "tcp"], pass_fds=(write,),
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    os.close(write)
    with os.fdopen(read, "rb") as file:
        number = file.readline().decode().strip()
    if not number:
        server.wait(_END_S)
        raise DoesNotStartError("Xvfb does not start on this machine")
    return f":{number}", server


def _write_settings(host: ArdourHost, actions: Sequence[str]) -> None:
    host.settings.mkdir(parents=True)
    Mailbox(host.settings).install()
    (host.settings / ".a7").touch()  # not the first start
    (host.settings / "config").write_text(_CONFIG.format(port=host.osc_port, **asdict(host.engine)))
    sources = [script_path("ardour", "emsync_regenerate.lua").read_text("utf-8"), *actions]
    slots = "".join(_slot(number, source) for number, source in enumerate(sources, 1))
    listener = script_path("ardour", "emsync_listener.lua").read_text("utf-8")
    signals = "".join("1" if bit == _TIMER_DS else "0" for bit in reversed(range(_SIGNALS)))
    hook = "s = {} " + _fields("s", listener)
    (host.settings / "ui_scripts").write_text(
        f"""<?xml version="1.0" encoding="UTF-8"?>
<UIScripts>
  <ActionScript lua="Lua 5.3">{_base64("scripts = {} " + slots)}</ActionScript>
  <ActionHooks>
    <LuaCallback lua="Lua 5.3" id="1" name="EMSYNC listener" signals="{signals}">{_base64(hook)}</LuaCallback>
  </ActionHooks>
</UIScripts>
"""
    )


def _slot(number: int, source: str) -> str:
    return f"scripts[{number}] = {{}} " + _fields(f"scripts[{number}]", source)


def _fields(table: str, source: str) -> str:
    """Name, source and factory of a script as Ardour keeps them; ours is a source, where Ardour keeps its bytes."""
    factory = f"local ardour = function () end {source}\nreturn factory (...)"
    values: Mapping[str, str] = {"n": "test", "s": source, "f": factory}
    return "".join(f'{table}["{key}"] = {_lua_text(value)} ' for key, value in values.items())


def _lua_text(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\t", "\\t") + '"'


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _wait_until_there(host: ArdourHost, ardour: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _START_S
    while time.monotonic() < deadline:
        if _answers(host):
            return
        if ardour.poll() is not None:
            break
        time.sleep(0.1)
    raise DoesNotStartError(f"Ardour does not start on this machine:\n{log.read_text(errors='replace')[-2000:]}")


def _answers(host: ArdourHost) -> bool:
    osc = ArdourOsc(port=host.osc_port, timeout_s=_PROBE_S)
    try:
        return osc.surface().rate > 0
    except Exception:
        return False
    finally:
        osc.close()


def _end(process: subprocess.Popen[Any]) -> None:
    process.terminate()
    try:
        process.wait(_END_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(_END_S)


def free_udp_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])

"""A backend for mido whose ports are files of a folder: other processes see what is played, and play.

``devices.json`` has the names of the ports that are plugged in; ``out.txt`` gets a line (seconds, port, bytes in hex)
for every message; every line of ``in.txt`` is a message (bytes in hex) that comes in.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mido import Message

HOME = Path(os.environ.get("EMSYNC_TEST_MIDI", "."))


def get_devices(**_: Any) -> list[dict[str, Any]]:
    names = json.loads((HOME / "devices.json").read_text(encoding="utf-8"))
    return [{"name": name, "is_input": True, "is_output": True} for name in names]


class Output:
    def __init__(self, name: str, **_: Any) -> None:
        self.name = name

    def send(self, message: Message) -> None:
        if self.name not in {d["name"] for d in get_devices()}:
            raise OSError("no such device")
        with (HOME / "out.txt").open("a", encoding="ascii") as file:
            file.write(f"{time.perf_counter():.6f} {self.name} {message.hex('')}\n")

    def close(self) -> None:
        pass


class Input:
    def __init__(self, name: str, callback: Callable[[Message], None], **_: Any) -> None:
        self.name, self.callback = name, callback
        self.ending = threading.Event()
        threading.Thread(target=self.listen, daemon=True).start()

    def listen(self) -> None:
        with (HOME / "in.txt").open(encoding="ascii") as file:
            while not self.ending.wait(0.001):
                while (line := file.readline()).endswith("\n"):
                    self.callback(Message.from_bytes(bytes.fromhex(line)))

    def close(self) -> None:
        self.ending.set()

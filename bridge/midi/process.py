"""The process that plays, apart from the daemon so that neither keeps the other waiting: JSON lines in and out.

The first line has the names of the ports and the triggers; every other one is an order with a number.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import traceback
from typing import Any

from bridge.daemon.worker import error_of
from bridge.midi.deck import Deck, Wiring
from bridge.midi.ports import MidoPorts
from bridge.midi.triggers import Trigger

_SWITCH_S = 0.0005
"""Between two threads: the one that plays must not wait for the one that reads a score."""


def main() -> None:
    """Take orders until the daemon goes away; then end every note."""
    sys.setswitchinterval(_SWITCH_S)
    out = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)  # whatever a library prints is for the log
    writing = threading.Lock()

    def tell(message: dict[str, Any]) -> None:
        with writing:
            out.write(json.dumps(message).encode() + b"\n")

    said = json.loads(sys.stdin.buffer.readline() or b"null")
    if said is None:
        return
    try:
        deck = Deck(MidoPorts(), Wiring(**said["wiring"]), [Trigger(**row) for row in said["triggers"]], tell)
    except Exception as error:
        tell({"event": "failed", "error": error_of(error)})
        return
    deck.start()
    tell({"event": "ready", **deck.state()})
    for line in sys.stdin.buffer:
        asked = json.loads(line)
        try:
            tell({"number": asked["number"], "result": deck.order(asked["order"])})
        except Exception as error:  # an order that fails must not stop the music
            tell({"number": asked["number"], "error": error_of(error)})
    deck.end()


if __name__ == "__main__":
    try:
        main()
    except BrokenPipeError:
        traceback.print_exc()
        os._exit(1)

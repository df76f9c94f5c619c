"""The control surface: what Live calls, and the requests that the bridge may make.

A plain class, as those of Live's oldest surfaces: what Live calls has been the same since Live 3, and no framework of
Live's that changes with its versions is needed.
"""

from __future__ import annotations

from . import asking, locators, settings
from .server import HOST, RefusalError, Server
from .writing import Writer, memory

_EVERY = 3
"""Ticks between looks at the locators' names."""
_NOTE_ON, _CC = 0x90, 0xB0
_PRESSED = 64
"""A control change from here on is a press."""


class Surface:
    def __init__(self, c_instance):
        self._host = c_instance
        self._settings = settings.load()
        self._requests = asking.Requests()
        self._down = set()
        self._ticks = 0
        self._server = Server(self._settings.token, self._answer, self._log)
        self.port = 0
        """Where it listens; 0 when it could not."""
        try:
            self.port = self._server.listen(self._settings.port)
            self._settings.write_address(HOST, self.port)
        except OSError as error:
            self._log(f"cannot listen: {error}")
            self._host.show_message(f"EMSYNC cannot listen: {error}")
        else:
            self._host.show_message(f"EMSYNC {settings.VERSION} is ready")

    # --- what Live calls ---

    def disconnect(self):
        self._server.close()
        self._settings.forget_address()

    def update_display(self):
        """Live's timer, about every 100 ms: the one place where anything is done."""
        self._ticks += 1
        try:
            if self._ticks % _EVERY == 0:
                self._requests.look_at_locators(self._host.song())
            self._server.pump()
        except Exception as error:  # Live would stop calling us
            self._log(f"{type(error).__name__}: {error}")

    def build_midi_map(self, midi_map_handle):
        import Live

        for _, kind, channel, number in self._settings.controls:
            forward = Live.MidiMap.forward_midi_cc if kind == "cc" else Live.MidiMap.forward_midi_note
            forward(self._host.handle(), midi_map_handle, channel - 1, number)

    def receive_midi(self, midi_bytes):
        """A mapped control was touched: only noted here, done later from the timer."""
        if len(midi_bytes) != 3:
            return
        status, number, value = midi_bytes
        for action, kind, channel, wanted in self._settings.controls:
            expected = (_CC if kind == "cc" else _NOTE_ON) | (channel - 1)
            if status == expected and number == wanted:
                self._press((kind, channel, number), value >= (_PRESSED if kind == "cc" else 1), action)

    def _press(self, control, is_down, action):
        if is_down and control not in self._down:
            self._requests.add(action, "control")
        (self._down.add if is_down else self._down.discard)(control)

    def connect_script_instances(self, instanciated_scripts):
        pass

    def can_lock_to_devices(self):
        return False

    def is_extension(self):
        return False

    def suggest_input_port(self):
        return ""

    def suggest_output_port(self):
        return ""

    def suggest_map_mode(self, cc_no, channel):
        return -1

    def request_rebuild_midi_map(self):
        self._host.request_rebuild_midi_map()

    def instance_identifier(self):
        return self._host.instance_identifier()

    def refresh_state(self):
        pass

    def restore_bank(self, bank):
        pass

    def port_settings_changed(self):
        pass

    def show_message(self, message):
        self._host.show_message(message)

    # --- what the bridge asks for ---

    def _answer(self, op, arguments):
        ops = {
            "hello": self._hello,
            "state": lambda a: asking.state(self._song()),
            "memory": lambda a: memory(self._song()),
            "selection": lambda a: asking.selection(self._song()),
            "write": lambda a: Writer(self._song(), a).run(),
            "markers": lambda a: locators.place(self._song(), a["cue"], a["markers"]),
            "tempo": self._tempo,
            "transport": lambda a: asking.transport(self._song(), a.get("command"), int(a.get("tick", 0))),
            "requests": lambda a: self._requests.after(int(a.get("after", 0))),
            "ask": self._ask,
            "say": self._say,
        }
        if op not in ops:
            raise RefusalError("no_op", f"there is no {op!r}; this script may be too old: emsync live install")
        return ops[op](arguments)

    def _hello(self, arguments):
        import Live

        application = Live.Application.get_application()
        song = self._song()
        track = next(iter(song.tracks), None)
        return {
            "script": settings.VERSION,
            "protocol": settings.PROTOCOL,
            "live": ".".join(
                str(part())
                for part in (
                    application.get_major_version, application.get_minor_version, application.get_bugfix_version
                )
            ),
            "arrangement": track is None or hasattr(track, "duplicate_clip_to_arrangement")
            or hasattr(track, "create_midi_clip"),
            "direct": track is not None and hasattr(track, "create_midi_clip"),
            "take_lanes": track is not None and hasattr(track, "create_take_lane"),
            "undo_group": hasattr(song, "begin_undo_step") and hasattr(song, "end_undo_step"),
            "memory": hasattr(song, "set_data"),
        }  # fmt: skip

    def _tempo(self, arguments):
        """One tempo and one metre: all that Live's interface has."""
        song = self._song()
        song.tempo = float(arguments["bpm"])
        numerator, denominator = arguments["metre"]
        song.signature_numerator = int(numerator)
        song.signature_denominator = int(denominator)
        return {"tempo": song.tempo, "metre": [song.signature_numerator, song.signature_denominator]}

    def _ask(self, arguments):
        if arguments.get("action") not in settings.ACTIONS:
            raise RefusalError("no_action", "there is {}".format(", ".join(settings.ACTIONS)))
        return {"number": self._requests.add(arguments["action"], "page")}

    def _say(self, arguments):
        self._host.show_message(str(arguments.get("text", ""))[:200])
        return {}

    def _song(self):
        return self._host.song()

    def _log(self, text):
        self._host.log_message(f"EMSYNC: {text}")

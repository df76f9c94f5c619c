"""``ardour``: into an open Ardour session, through the shipped Lua scripts; transport over OSC.

The scripts look and write; what is done is decided in ``ardour_work``. A part is a MIDI track, known by its comment; an
item is a region, known by Ardour's own id in that comment, with the hash of what was written and of what Ardour made of
it.
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

from bridge.connectors.ardour_mailbox import HOW_TO_LISTEN, Mailbox, Row, settings_folders
from bridge.connectors.ardour_osc import ArdourOsc, osc_port_of, seconds_of
from bridge.connectors.ardour_work import (
    Seen,
    Work,
    map_hash,
    marks_of,
    outcome_of,
    plan_dropped,
    plan_markers,
    plan_tempo,
    plan_tracks,
    seen_of,
    take_in,
)
from bridge.connectors.base import (
    Capabilities,
    Command,
    Connector,
    Delivered,
    Hello,
    LeftOut,
    Options,
    Progress,
    Selection,
    TargetError,
    TransportState,
    left_out,
    result,
    silent,
)
from bridge.connectors.plan import Plan, PlanItem, Region
from bridge.connectors.plan_smf import smf_of_plan

_ABILITIES = Capabilities(
    tempo_map=True, controllers=True, arrangement_write=True, markers=True, read_selection=True, undo_group=True
)

_PROBE_S = 2.0


class ArdourConnector(Connector):
    """``--at`` names a settings folder (``~/.config/ardour8``) when several Ardours are in use."""

    name = "ardour"

    def __init__(self, options: Options | None = None) -> None:
        super().__init__(options)
        self._osc: ArdourOsc | None = None

    def hello(self) -> Hello:
        box = self._mailbox()
        said = ["one undo takes back the regions of a delivery, further ones its markers; the tempo map stays"]
        if box.install():
            said.append(f"the scripts were put into {box.settings}; {HOW_TO_LISTEN}")
        try:
            box.check_there(self.options.timeout_s)
        except TargetError as error:
            self._only_osc(error)
            return Hello(self.name, "Ardour (OSC alone)", "ready", Capabilities(markers=True), (error.message,))
        alive = box.alive()
        session = f"session {alive.session}" if alive else ""
        return Hello(self.name, f"Ardour ({session})", "ready", _ABILITIES, tuple(said))

    def push(self, plan: Plan, progress: Progress = silent) -> Delivered:
        """Tempo map and metre, markers, a track a part, a region a section."""
        box = self._mailbox()
        box.install()
        progress(0.0, "looking at the session")
        try:
            found = self._look(box, plan)
        except TargetError as error:
            self._only_osc(error)
            return self._markers_alone(plan, error, progress)
        work = Work()
        work.left_out += [
            LeftOut("video", "the picture is not put into the session: Session > Open Video", m) for m in plan.media[:1]
        ]
        parcel = box.parcel()
        try:
            plan_tempo(plan, found, work, parcel)
            plan_markers(plan, found, work)
            plan_tracks(plan, found, work)
            for item in plan.items:
                self._item(plan, item, found, work, parcel)
            plan_dropped(plan, found, work)
            first = plan.parts[0].id
            work.rows.append(("keep", first, "folder", str(plan.folder)))
            return self._write(box, plan, found, work, progress)
        finally:
            box.discard(parcel)

    def replace(self, plan: Plan, region: Region, progress: Progress = silent) -> Delivered:
        """The regions of the items that the region touches."""
        box = self._mailbox()
        box.install()
        found = self._look(box, plan)
        if found.kept.get("map") != map_hash(plan):
            raise TargetError(
                "the session does not have this score's tempo map; send the whole score first", "refused", found.name
            )
        work = Work()
        parcel = box.parcel()
        try:
            for item in plan.within(region):
                self._item(plan, item, found, work, parcel)
            return self._write(box, plan, found, work, progress)
        finally:
            box.discard(parcel)

    def read_selection(self) -> Selection:
        rows = self._mailbox().ask([("select",)], self.options.timeout_s)
        return selection_of(rows)

    def transport(self, command: Command = "state", seconds: Fraction | float = 0) -> TransportState:
        osc = self._surface()
        rate = osc.surface().rate
        if command == "play":
            osc.play()
        elif command == "stop":
            osc.stop()
        elif command == "locate":
            osc.locate(round(Fraction(seconds) * rate))
        return TransportState(osc.rolling(), seconds_of(osc.sample(), rate))

    def close(self) -> None:
        if self._osc is not None:
            self._osc.close()
            self._osc = None

    # --- reaching it ---

    def _mailbox(self) -> Mailbox:
        """The Ardour that was named, or else the one that spoke last."""
        if self.options.at:
            return Mailbox(Path(self.options.at).expanduser())
        folders = settings_folders()
        if not folders:
            raise TargetError(
                "Ardour was never started by this user; start it once, then send again", "not_installed", "Ardour"
            )
        boxes = [Mailbox(folder) for folder in folders]
        return min(boxes, key=_age)

    def _surface(self) -> ArdourOsc:
        if self._osc is None:
            self._osc = ArdourOsc(port=osc_port_of(self._mailbox().settings), timeout_s=self.options.timeout_s)
        return self._osc

    def _only_osc(self, error: TargetError) -> None:
        """Pass when no script was ever switched on in Ardour, but its OSC answers; otherwise raise the error."""
        if error.state != "not_installed":
            raise error
        port = osc_port_of(self._mailbox().settings)
        probe = ArdourOsc(port=port, timeout_s=min(self.options.timeout_s, _PROBE_S))
        try:
            probe.surface()
        except TargetError:
            raise error from None
        finally:
            probe.close()

    def _markers_alone(self, plan: Plan, why: TargetError, progress: Progress) -> Delivered:
        """What OSC can do: the markers. The rest is named as files."""
        osc = self._surface()
        wishes = marks_of(plan, osc.surface().rate)
        for number, (sample, text) in enumerate(wishes.values()):
            progress(number / len(wishes), "setting markers")
            osc.mark(sample, text)
        by_hand = "without the listener it is imported by hand: Session > Import, with the tempo map"
        return Delivered(
            target=self.name,
            application="Ardour (OSC alone)",
            cue=plan.cue,
            take=plan.take,
            items=tuple(result(item, "left_out") for item in plan.items),
            markers=len(wishes),
            left_out=(
                left_out(plan, "arrangement_write", by_hand, "score.mid"),
                left_out(plan, "tempo_map", by_hand, "score.mid"),
            ),
            said=(why.message,),
        )

    def _look(self, box: Mailbox, plan: Plan) -> Seen:
        ticks = sorted({*(t.tick for t in plan.tempo), plan.end_tick})
        rows = box.ask([("look", plan.cue), *(("tick", tick) for tick in ticks)], self.options.timeout_s)
        return seen_of(rows)

    # --- what to do ---

    def _item(self, plan: Plan, item: PlanItem, found: Seen, work: Work, parcel: Path) -> None:
        track = f"{plan.cue}:{item.part}"
        there = found.items.get((track, item.section))
        outcome = outcome_of(item, there, found.occupied.get(track, []))
        note = ""
        if outcome in ("written", "updated"):
            path = parcel / f"{item.part}-{item.section}.mid"
            region = Region(item.tick, item.end, (item.part,))
            path.write_bytes(smf_of_plan(plan, region, chase=False, lone_twice=True))
            old = (there.region, there.now) if there else ("", "")
            work.rows.append(
                ("put", track, item.section, item.name, item.tick, item.end, path, item.hash, *old),
            )
        elif outcome == "kept" and self.options.on_edit == "beside":
            work.left_out.append(left_out(plan, "takes", f"{item.name} was edited; its new version is in", "score.mid"))
        if outcome == "kept" and there is None:
            note = "a region of yours lies there"
        work.results[(track, item.section)] = result(item, outcome, note)

    def _write(self, box: Mailbox, plan: Plan, found: Seen, work: Work, progress: Progress) -> Delivered:
        if work.rows:
            progress(0.5, "writing into the session")
            answer = box.ask([("write", plan.cue), *work.rows], max(self.options.timeout_s, 60.0))
            take_in(answer, work, plan)
        return Delivered(
            target=self.name,
            application=f"Ardour (session {found.name})",
            cue=plan.cue,
            take=plan.take,
            items=tuple(work.results.values()),
            tempo_events=work.tempo_events,
            markers=work.markers,
            tracks=len({track for track, _ in work.results}),
            left_out=tuple(work.left_out),
            said=tuple(work.said),
        )


def selection_of(rows: list[Row]) -> Selection:
    """The rows that the script writes of a selection."""
    _, cue, start, end, *_ = rows[0]
    parts = tuple(row[1].partition(":")[2] for row in rows[1:] if row[0] == "part")
    return Selection(Fraction(start), Fraction(end), parts, (), cue)


def _age(box: Mailbox) -> float:
    alive = box.alive()
    return alive.age_s if alive else float("inf")

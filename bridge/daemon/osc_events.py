"""Subscriptions over OSC: what changes is told to those who asked for it, until their time is over."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from bridge.daemon.jobs import Job
from bridge.daemon.osc_packets import Double
from bridge.daemon.osc_peers import Peer
from emsync_engine.errors import InputError

MAX_SUBSCRIPTIONS = 64
Send = Callable[..., None]


@dataclass(frozen=True)
class _Lease:
    peer: Peer
    echo: Any
    """The id that the subscriber chose."""
    ends: float


class Subscriptions:
    """Who is told of what.

    Args:
        send: (peer, name of the message, arguments).
    """

    def __init__(self, send: Send) -> None:
        self._send = send
        self._leases: dict[tuple[str, Any], _Lease] = {}

    def add(self, topic: str, peer: Peer, echo: Any, seconds: float) -> None:
        """Subscribe, or subscribe again.

        Raises:
            InputError: there are too many.
        """
        self._clean()
        if (topic, peer.key) not in self._leases and len(self._leases) >= MAX_SUBSCRIPTIONS:
            raise InputError(f"there are {MAX_SUBSCRIPTIONS} subscriptions already; try again later", code="busy")
        self._leases[topic, peer.key] = _Lease(peer, echo, time.monotonic() + seconds)

    def forget(self, peer: Peer) -> None:
        """A connection has ended."""
        for key in [k for k, lease in self._leases.items() if lease.peer.key == peer.key]:
            del self._leases[key]

    def job(self, job: Job) -> None:
        self._tell("jobs", job.id, job.call, job.state, float(job.progress), job.stage)

    def transport(self, state: Mapping[str, Any]) -> None:
        place = Double(state.get("position_s", 0.0))
        self._tell("transport", state["state"], place, int(state.get("bar", 0)), float(state.get("beat", 0.0)))

    def _tell(self, topic: str, *arguments: Any) -> None:
        if not self._leases:
            return
        self._clean()
        for (of, _), lease in tuple(self._leases.items()):
            if of == topic:
                self._send(lease.peer, "event", lease.echo, topic, *arguments)

    def _clean(self) -> None:
        now = time.monotonic()
        for key in [k for k, lease in self._leases.items() if lease.ends <= now]:
            del self._leases[key]

"""Requests that are done at once and change something: a repeated one gets the answer of the first."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from emsync_engine.errors import InputError

_KEPT = 500
"""Answers that are remembered, the latest ones."""


@dataclass(frozen=True)
class _Asked:
    call: str
    given: Mapping[str, Any]
    answer: asyncio.Task[dict[str, Any]]


class Answered:
    """The latest answers by the id of their request."""

    def __init__(self) -> None:
        self._asked: OrderedDict[str, _Asked] = OrderedDict()

    async def once(
        self, request_id: str, call: str, given: Mapping[str, Any], do: Callable[[], Awaitable[dict[str, Any]]]
    ) -> dict[str, Any]:
        """Do it, or give the answer that it had the first time. What failed is tried again; so is what has no id.

        Raises:
            InputError: the id was used for another request.
        """
        if not request_id:
            return await do()
        before = self._asked.get(request_id)
        if before is None:
            before = _Asked(call, dict(given), asyncio.ensure_future(_run(do)))
            self._asked[request_id] = before
            before.answer.add_done_callback(partial(self._forget_failed, request_id))
            while len(self._asked) > _KEPT:
                self._asked.popitem(last=False)
        if (before.call, before.given) != (call, dict(given)):
            raise InputError(
                f"the id {request_id} was used for another request; choose a new id for every request", code="id_used"
            )
        return await asyncio.shield(before.answer)

    def _forget_failed(self, request_id: str, answer: asyncio.Task[dict[str, Any]]) -> None:
        if answer.cancelled() or answer.exception() is not None:
            self._asked.pop(request_id, None)


async def _run(do: Callable[[], Awaitable[dict[str, Any]]]) -> dict[str, Any]:
    return await do()

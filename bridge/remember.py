"""What a score was asked for, kept with its take, so that a later conform asks for the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from bridge.files import Look
from bridge.folder import Document, TakeEntry
from bridge.settings import Settings
from emsync_engine.codec import CodecError, decode, encode
from emsync_engine.errors import InputError

_PATHS = ("soundfont", "media_roots")
"""Settings that are paths: the SoundFont is with the document, the media roots are kept absolute."""


@dataclass(frozen=True)
class Remembered:
    """The request that a score was made with."""

    settings: Settings = field(default_factory=Settings)
    within: bool = False
    """Cuts were looked for inside long clips too."""
    ranged: bool = False
    """Only a part of the timeline was scored."""
    source: str = ""
    look: Look | None = None
    """What the source looked like when it was read."""


def request_json(source: Path, look: Look | None, settings: Settings, *, within: bool, ranged: bool) -> dict[str, Any]:
    """The part of a take's request that ``recalled`` reads."""
    plain = replace(settings, soundfont=None, media_roots=())
    given = {k: v for k, v in encode(plain).items() if v is not None and k not in _PATHS}
    if settings.media_roots:
        given["media_roots"] = [str(root.resolve()) for root in settings.media_roots]
    said = {"source": str(source), "settings": given, "within": within, "ranged": ranged}
    return said | ({"look": encode(look)} if look else {})


def recalled(document: Document, number: int) -> Remembered:
    """What the score of a take was asked for: by its own entry or that of the take it was made from.

    Raises:
        InputError: what is written there cannot be understood.
    """
    entry: TakeEntry | None = document.entry(number)
    while entry and entry.request.get("command") not in ("score", "conform") and entry.parent is not None:
        entry = document.entry(entry.parent)
    request: Mapping[str, Any] = entry.request if entry else {}
    given = dict(request.get("settings") or {})
    roots = tuple(Path(root) for root in given.pop("media_roots", ()))
    try:
        settings = replace(decode(Settings, given), media_roots=roots)
        look = decode(Look, request["look"]) if "look" in request else None
    except CodecError as error:
        raise InputError(f"damaged score folder: what was asked for take {number}: {error}", code="damaged") from error
    return Remembered(
        settings, bool(request.get("within")), bool(request.get("ranged")), str(request.get("source", "")), look
    )


def with_given(given: Settings, before: Settings) -> Settings:
    """The settings given now, and those of before where nothing is given."""
    empty = Settings()
    kept = {
        f.name: getattr(before, f.name) for f in fields(Settings) if getattr(given, f.name) == getattr(empty, f.name)
    }
    return replace(given, **kept)

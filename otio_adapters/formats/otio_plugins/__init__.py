"""Our readers as OpenTimelineIO adapters of their own names, beside the public ones and never in their place.

``otio.adapters.read_from_file("cut.edl", adapter_name="emsync_edl", rate="24000/1001")``
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from otio_adapters.reading import Reading
from otio_adapters.returned import document_of


def timeline_from(read: Callable[..., Reading], filepath: str, **options: Any) -> Any:
    """An ``opentimelineio`` timeline of a file.

    Raises:
        InputError: the file cannot be read.
    """
    import opentimelineio as otio  # present wherever an adapter is called

    document = document_of(read(Path(filepath), **options))
    return otio.adapters.read_from_string(json.dumps(document), "otio_json")

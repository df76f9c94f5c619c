"""The demo, made and scored once."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.listening import Heard, listen
from tests.conftest import Emsync


@dataclass(frozen=True)
class Demo:
    """The answers of ``emsync demo`` and ``emsync cuts``, and what is heard."""

    folder: Path
    answer: dict[str, Any]
    cuts: dict[str, Any]
    heard: Heard

    @property
    def timeline(self) -> Path:
        return Path(self.answer["timeline"])

    def file(self, name: str) -> Path:
        return Path(self.answer["files"][name])


@pytest.fixture(scope="session")
def demo(emsync: Emsync, tmp_path_factory: pytest.TempPathFactory) -> Demo:
    folder = tmp_path_factory.mktemp("demo")
    answer = emsync("demo", "-o", folder, "--json", synth=None, timeout_s=280).json
    cuts = emsync("cuts", answer["timeline"], "--json").json
    return Demo(folder, answer, cuts, listen(Path(answer["files"]["midi"])))

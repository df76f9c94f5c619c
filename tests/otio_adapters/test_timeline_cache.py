"""Where the user's cache folder is."""

from __future__ import annotations

from pathlib import Path

import pytest

from otio_adapters import cache

FOLDER = cache.cache_folder
"""The function itself: the tests' own cache replaces it in the module."""


@pytest.mark.skipif("sys.platform in ('win32', 'darwin')")
def test_the_xdg_folder_is_used_when_it_is_absolute(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/var/tmp/mine")
    assert FOLDER() == Path("/var/tmp/mine/emsync")
    monkeypatch.setenv("XDG_CACHE_HOME", "not/absolute")
    assert FOLDER() == Path.home() / ".cache" / "emsync"


def test_macos_has_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache.os, "name", "posix")
    monkeypatch.setattr(cache.sys, "platform", "darwin")
    assert FOLDER() == Path.home() / "Library" / "Caches" / "emsync"

"""``.otioz`` (a zip) and ``.otiod`` (a folder): a timeline together with its media."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
import zipfile
import zlib
from dataclasses import replace
from pathlib import Path, PurePosixPath

from emsync_engine.errors import InputError
from otio_adapters import document as doc
from otio_adapters.formats.otio_json import reading_of
from otio_adapters.reading import Reading

_CONTENT = "content.otio"
_MEDIA = "media/"
_MAX_DOCUMENT = 1 << 30  # bytes of content.otio, unpacked


def read_folder(path: Path) -> Reading:
    """Read an ``.otiod`` bundle.

    Raises:
        InputError: the folder is no bundle.
    """
    content = path / _CONTENT
    if not content.is_file():
        message = f"is a folder without {_CONTENT}, so no .otiod bundle: give the timeline file inside it"
        raise InputError(message, path.name, "not_a_timeline")
    reading = reading_of(doc.parse_document(content.read_bytes(), path.name), path.name)
    return replace(reading, media_folder=path)


def read_zip(path: Path) -> Reading:
    """Read an ``.otioz`` bundle; its media is unpacked once into the system's temporary folder.

    Raises:
        InputError: not a bundle, or a damaged one.
    """
    try:
        with zipfile.ZipFile(path) as bundle:
            if bundle.getinfo(_CONTENT).file_size > _MAX_DOCUMENT:
                raise InputError(f"has a {_CONTENT} of more than 1 GiB: export it again", path.name)
            reading = reading_of(doc.parse_document(bundle.read(_CONTENT), path.name), path.name)
            folder, warnings = _unpack_media(bundle, path)
    except KeyError as error:
        message = f"is a zip without {_CONTENT}, so no .otioz bundle: export it again"
        raise InputError(message, path.name, "not_a_timeline") from error
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        message = f"is not a complete .otioz bundle ({error}): export it again"
        raise InputError(message, path.name, "not_a_timeline") from error
    return replace(reading, media_folder=folder, warnings=(*reading.warnings, *warnings))


def _unpack_media(bundle: zipfile.ZipFile, path: Path) -> tuple[Path, tuple[str, ...]]:
    """Media of the bundle in a folder of its own that a second reading finds again."""
    state = path.stat()
    key = hashlib.sha256(f"{path.resolve()}|{state.st_size}|{state.st_mtime_ns}".encode()).hexdigest()[:16]
    folder = Path(tempfile.gettempdir()) / f"emsync-otioz-{key}"
    members = [info for info in bundle.infolist() if info.filename.startswith(_MEDIA) and not info.is_dir()]
    try:
        for info in members:
            parts = PurePosixPath(info.filename).parts
            if ".." in parts or any(":" in part or "\\" in part for part in parts):
                continue
            _unpack(bundle, info, folder.joinpath(*parts))
    except OSError as error:
        return folder, (f"{path.name}: its media could not be unpacked into {folder} ({error.strerror})",)
    return folder, ()


def _unpack(bundle: zipfile.ZipFile, info: zipfile.ZipInfo, target: Path) -> None:
    if target.is_file() and target.stat().st_size == info.file_size:
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=".unpacking-")
    part = Path(name)
    try:
        with os.fdopen(handle, "wb") as out, bundle.open(info) as member:
            shutil.copyfileobj(member, out)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)

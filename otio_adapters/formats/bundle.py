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
from otio_adapters.cache import entry
from otio_adapters.document import Node
from otio_adapters.formats.otio_json import reading_of
from otio_adapters.media import paths_of
from otio_adapters.reading import Reading

_CONTENT = "content.otio"
_MEDIA = "media/"
_MAX_DOCUMENT = 1 << 30  # bytes of content.otio, unpacked
_CHUNK = 1 << 20  # bytes


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
    """Read an ``.otioz`` bundle; the media it plays is unpacked once into the user's cache folder.

    Raises:
        InputError: not a bundle, or a damaged one.
    """
    try:
        with zipfile.ZipFile(path) as bundle:
            if bundle.getinfo(_CONTENT).file_size > _MAX_DOCUMENT:
                raise InputError(f"has a {_CONTENT} of more than 1 GiB: export it again", path.name)
            reading = reading_of(doc.parse_document(bundle.read(_CONTENT), path.name), path.name)
            folder, warnings = _unpack_media(bundle, path, reading.document)
    except KeyError as error:
        message = f"is a zip without {_CONTENT}, so no .otioz bundle: export it again"
        raise InputError(message, path.name, "not_a_timeline") from error
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        message = f"is not a complete .otioz bundle ({error}): export it again"
        raise InputError(message, path.name, "not_a_timeline") from error
    return replace(reading, media_folder=folder, warnings=(*reading.warnings, *warnings))


def _unpack_media(bundle: zipfile.ZipFile, path: Path, document: Node) -> tuple[Path, tuple[str, ...]]:
    """The media that a bundle's timeline plays, in a folder of the user's cache that the next run finds again.

    The folder belongs to the content: a bundle that is moved or copied keeps it, one that is edited gets another.
    """
    members = [info for info in bundle.infolist() if info.filename.startswith(_MEDIA) and not info.is_dir()]
    listing = "\n".join(f"{m.filename}|{m.file_size}|{m.CRC}" for m in sorted(members, key=lambda m: m.filename))
    played = _played(members, document)
    folder = path.parent
    if not played:
        return folder, ()
    try:
        folder = entry("otioz", hashlib.sha256(listing.encode("utf-8", "replace")).hexdigest()[:32])
        for info in played:
            parts = PurePosixPath(info.filename).parts
            if ".." not in parts and not any(":" in part or "\\" in part for part in parts):
                _unpack(bundle, info, folder.joinpath(*parts))
    except OSError as error:
        return folder, (f"{path.name}: its media could not be unpacked into {folder} ({error.strerror or error})",)
    return folder, ()


def _played(members: list[zipfile.ZipInfo], document: Node) -> list[zipfile.ZipInfo]:
    """The members that clips refer to: by path, or as frames of an image sequence."""
    files: set[str] = set()
    sequences: list[str] = []
    for node in doc.walk(document):
        references = node.get("media_references")
        found = list(references.values()) if isinstance(references, dict) else [node.get("media_reference")]
        for reference in found:
            if not isinstance(reference, dict):
                continue
            if doc.schema_of(reference) == "ImageSequenceReference":
                base = next(iter(paths_of(doc.text_of(reference, "target_url_base"))), "")
                sequences.append(_plain(f"{base.rstrip('/')}/{doc.text_of(reference, 'name_prefix')}"))
            else:
                files.update(map(_plain, paths_of(doc.text_of(reference, "target_url"))))
    starts = tuple(sequences)
    return [info for info in members if info.filename in files or (starts and info.filename.startswith(starts))]


def _plain(path: str) -> str:
    return path.replace("\\", "/").removeprefix("./")


def _unpack(bundle: zipfile.ZipFile, info: zipfile.ZipInfo, target: Path) -> None:
    """Unpack a member beside its place and move it there whole: another run may be doing the same."""
    if target.is_file() and target.stat().st_size == info.file_size:
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=".unpacking-")
    part = Path(name)
    try:
        with os.fdopen(handle, "wb") as out, bundle.open(info) as member:
            shutil.copyfileobj(member, out, _CHUNK)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)

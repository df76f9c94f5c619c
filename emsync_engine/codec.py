"""Frozen dataclasses to and from JSON, exactly: fractions as "n/d", arrays as lists, short records as rows.

The type annotations are the schema. Unknown fields are an error (a newer version wrote the file), missing ones take
their default.
"""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Mapping
from fractions import Fraction
from functools import cache
from typing import Any, TypeVar

import numpy as np

from emsync_engine.score import Bar, Control, Note, Tempo

T = TypeVar("T")
_ROWS = (Note, Control, Bar, Tempo)
"""Written as lists of their fields: there are many of them."""


class CodecError(ValueError):
    """The JSON does not describe the type."""


def encode(value: Any) -> Any:
    """JSON-able form of a value built of dataclasses, tuples, mappings, fractions, arrays and plain values."""
    if isinstance(value, _ROWS):
        return list(dataclasses.astuple(value))
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {name: encode(getattr(value, name)) for name in _field_names(type(value))}
    if isinstance(value, Fraction):
        return str(value)
    if isinstance(value, np.ndarray):
        return [round(float(x), 6) for x in value]
    if isinstance(value, Mapping):
        return {str(k): encode(v) for k, v in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [encode(v) for v in value]
    return value


def decode(kind: type[T], data: Any) -> T:
    """The value of type ``kind`` that ``encode`` wrote.

    Raises:
        CodecError: ``data`` does not fit; the message names the field.
    """
    result = _decode(kind, data, kind.__name__)
    return typing.cast("T", result)


@cache
def _field_names(kind: type) -> tuple[str, ...]:
    return tuple(f.name for f in dataclasses.fields(kind))


@cache
def _hints(kind: type) -> dict[str, Any]:
    return typing.get_type_hints(kind)


def _decode(kind: Any, data: Any, where: str) -> Any:
    origin = typing.get_origin(kind)
    if kind is Any:
        return data
    if origin in (types.UnionType, typing.Union):
        return _decode_union(kind, data, where)
    if origin is typing.Literal:
        if data not in typing.get_args(kind):
            raise CodecError(f"{where}: {data!r} is none of {typing.get_args(kind)}")
        return data
    if origin is tuple:
        return _decode_tuple(kind, data, where)
    if origin in (dict, Mapping) or (isinstance(origin, type) and issubclass(origin, Mapping)):
        key, item = typing.get_args(kind)
        return {
            _decode(key, k, where): _decode(item, v, f"{where}[{k}]") for k, v in _expect(data, dict, where).items()
        }
    if origin is np.ndarray:
        return np.array([_decode_plain(float, x, where) for x in _expect(data, list, where)], dtype=np.float64)
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        return _decode_dataclass(kind, data, where)
    return _decode_plain(kind, data, where)


def _decode_plain(kind: Any, data: Any, where: str) -> Any:
    if kind is Fraction:
        try:
            return Fraction(data)
        except (TypeError, ValueError, ZeroDivisionError) as error:
            raise CodecError(f"{where}: {data!r} is not a fraction") from error
    if kind is float and isinstance(data, int) and not isinstance(data, bool):
        return float(data)
    return _expect(data, kind, where)


def _expect(data: Any, kind: Any, where: str) -> Any:
    if not isinstance(data, kind) or (isinstance(data, bool) and kind is not bool):
        raise CodecError(f"{where}: expected {getattr(kind, '__name__', kind)}, found {type(data).__name__}")
    return data


def _decode_union(kind: Any, data: Any, where: str) -> Any:
    options = typing.get_args(kind)
    if data is None and type(None) in options:
        return None
    errors = []
    for option in options:
        if option is type(None):
            continue
        try:
            return _decode(option, data, where)
        except CodecError as error:
            errors.append(str(error))
    raise CodecError("; ".join(errors) or f"{where}: unexpected null")


def _decode_tuple(kind: Any, data: Any, where: str) -> tuple[Any, ...]:
    arguments = typing.get_args(kind)
    items = _expect(data, list, where)
    if len(arguments) == 2 and arguments[1] is Ellipsis:
        return tuple(_decode(arguments[0], item, f"{where}[{i}]") for i, item in enumerate(items))
    if len(items) != len(arguments):
        raise CodecError(f"{where}: expected {len(arguments)} items, found {len(items)}")
    return tuple(_decode(a, item, f"{where}[{i}]") for i, (a, item) in enumerate(zip(arguments, items)))


def _decode_dataclass(kind: type, data: Any, where: str) -> Any:
    names = _field_names(kind)
    if kind in _ROWS:
        row = _expect(data, list, where)
        if len(row) != len(names) or not all(isinstance(x, int) for x in row):
            raise CodecError(f"{where}: expected {len(names)} whole numbers")
        return kind(*row)
    given = _expect(data, dict, where)
    unknown = sorted(set(given) - set(names))
    if unknown:
        raise CodecError(f"{where}: unknown field {unknown[0]!r}")
    hints = _hints(kind)
    fields = {name: _decode(hints[name], value, f"{where}.{name}") for name, value in given.items()}
    try:
        return kind(**fields)
    except (TypeError, ValueError) as error:
        raise CodecError(f"{where}: {error}") from error

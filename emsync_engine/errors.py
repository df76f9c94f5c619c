"""The errors a user can cause. Each names what was wrong, where, and what to do."""

from __future__ import annotations


class EmsyncError(Exception):
    """Base of all errors shown to a user as one line.

    Args:
        message: what was wrong and what to do, without a trailing newline.
        where: file, track, clip and time as far as they are known.
        code: a stable machine-readable word such as ``"not_a_timeline"``.
    """

    exit_status = 1
    default_code = "error"

    def __init__(self, message: str, where: str = "", code: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.where = where
        self.code = code or self.default_code

    def __str__(self) -> str:
        return f"{self.where}: {self.message}" if self.where else self.message


class UsageError(EmsyncError):
    """The command was called wrongly (exit status 2)."""

    exit_status = 2
    default_code = "usage"


class InputError(EmsyncError):
    """A file or value given by the user cannot be used (exit status 3)."""

    exit_status = 3
    default_code = "bad_input"


class MissingComponentError(EmsyncError):
    """Something that has to be installed is not (exit status 4). The message says how to get it."""

    exit_status = 4
    default_code = "missing_component"

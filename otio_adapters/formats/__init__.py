"""One module a format; each turns a file into a ``Reading``."""

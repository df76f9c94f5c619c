"""The commands behind our numbers: one module a table, all through ``harness``. See README.md in this folder."""

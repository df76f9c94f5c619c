"""REAPER on this computer: where it keeps its files, and putting our scripts there."""

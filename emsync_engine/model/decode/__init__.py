"""Decoding: from trained weights to notes, without torch."""

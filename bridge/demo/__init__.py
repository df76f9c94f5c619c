"""The demo: a one-minute film drawn and recorded by program, and a timeline that edits it."""

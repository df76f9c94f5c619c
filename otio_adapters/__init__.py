"""Timelines in (``Picture``) and out (music tracks, markers): readers, writers and OpenTimelineIO plug-ins."""

"""OpenTimelineIO plug-ins for what composers work in: REAPER projects, Standard MIDI Files, DAWproject.

Installed, they need no set-up: ``otioconvert -i cut.otio -o cut.rpp`` and ``otio.adapters.write_to_file(timeline,
"cut.dawproject")`` find them by suffix. Without an installation, ``OTIO_PLUGIN_MANIFEST_PATH`` names the manifest here.

Music that OpenTimelineIO has no schema for travels in metadata, the same for all three:

``timeline.metadata["tempo_map"]``
    A list of ``{"time_s", "bpm", "numerator", "denominator"}`` in order of time. ``bpm`` counts quarter notes whatever
    the metre; the tempo holds until the next point. Without it the tempo is 120 in 4/4.
``clip.metadata["midi"]``
    Makes a clip (on an audio track, with a missing media reference) a MIDI clip: ``{"ticks_per_quarter", "notes":
    [[tick, pitch, duration, velocity, channel]], "controls": [[tick, controller, value, channel]], "programs":
    [[tick, program, channel]], "bends": [[tick, value, channel]]}``. Tick 0 is the clip's source time 0; ticks follow
    the tempo map. Channels count from 0, bends from -8192 to 8191.
``track.metadata["mix"]``
    ``{"volume", "pan"}``: a linear gain, 1 by default, and -1 (left) to 1 (right).

A muted track or item is ``enabled = False``. A marker with a duration is a region. Drop-frame or not is told as the FCP
XML adapter tells it, in ``timeline.metadata["fcp_xml"]["timecode"]["displayformat"]``.

Transitions become plain edits at their cut point, and effects other than linear time warps are left out: no form here
has the same. Nests are opened.
"""

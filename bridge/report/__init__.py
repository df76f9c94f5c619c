"""The report of a cue: one self-contained HTML page that shows how the music sits on the picture."""

from bridge.report.page import report_html
from bridge.report.thumbs import thumbnails
from bridge.report.view import HitReport

__all__ = ["HitReport", "report_html", "thumbnails"]

"""What goes back to editors and on to DAWs: every form of a scored cue, made from one ``Delivery``."""

from otio_adapters.out.delivery import Delivery
from otio_adapters.out.forms import FORMS, Form, write_all
from otio_adapters.out.score_session import dawproject_of_score, rpp_of_score, score_timeline, smf_of_score

__all__ = [
    "FORMS",
    "Delivery",
    "Form",
    "dawproject_of_score",
    "rpp_of_score",
    "score_timeline",
    "smf_of_score",
    "write_all",
]

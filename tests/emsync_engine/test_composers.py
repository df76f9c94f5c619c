"""Who composes, and what is said of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from emsync_engine import composers
from emsync_engine.errors import InputError, MissingComponentError
from emsync_engine.model import shipped


def test_the_environment_chooses_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(composers.ENGINE_VARIABLE, "rules")
    assert composers.default_engine() == "rules"
    monkeypatch.delenv(composers.ENGINE_VARIABLE)
    assert composers.default_engine() == ("model" if shipped.has_shipped() else "rules")


def test_without_weights_the_rules_compose_and_asking_for_the_model_says_why(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv(composers.ENGINE_VARIABLE)
    monkeypatch.setattr(shipped, "FOLDER", tmp_path)
    assert composers.default_engine() == "rules"
    with pytest.raises(MissingComponentError, match="--engine rules"):
        composers.composer_of("model")


def test_an_unknown_engine_is_refused() -> None:
    with pytest.raises(InputError, match="choose from model, rules"):
        composers.composer_of("magic")


def test_weights_of_ones_own_are_used_and_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "model.json").write_text('{"run": "mine"}', encoding="utf-8")
    monkeypatch.setenv(composers.WEIGHTS_VARIABLE, str(tmp_path))
    rights = composers.composer_of("model").rights
    assert rights["weights"].startswith("mine: ") and "of your own" in rights["weights"]


@pytest.mark.skipif(not shipped.has_shipped(), reason="this checkout has no weights")
def test_the_shipped_weights_name_their_music() -> None:
    rights = composers.composer_of("model").rights
    for source in ("OpenScore Lieder Corpus", "Groove MIDI Dataset", "Mutopia", "Freedoom", "OpenEWLD"):
        assert source in rights["weights"]
    assert "no trained model" in composers.composer_of("rules").rights["weights"]

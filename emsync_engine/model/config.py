"""Configuration of the composer: what is in a TOML file, checked and typed."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Any, TypeVar

if sys.version_info >= (3, 11):
    import tomllib
else:  # pragma: no cover - the same parser under its older name
    import tomli as tomllib

CONFIG_FOLDER = Path(__file__).parent / "configs"
CONDITIONINGS = ("full", "paper", "none")


class ConfigError(ValueError):
    """A configuration with an unknown name or a value out of range."""


@dataclass(frozen=True)
class ModelConfig:
    """Shape of the network."""

    d_model: int = 384
    n_layers: int = 6
    n_heads: int = 6
    n_kv_heads: int = 2
    d_ff: int = 1024
    d_cond: int = 128
    """Width of the condition vector that is added into every layer."""
    d_field: int = 384
    """Hidden width of the inner decoder's heads."""
    context: int = 1024
    """Rows the network can look back over."""
    rope_base: float = 10000.0
    conditioning: str = "full"
    """`full`: every channel, into every layer and the heads. `paper`: boundary offsets in the input as in
    EMSYNC, valence and arousal on the first row. `none`: no condition at all."""

    boundary_reader: bool = False
    """Times are also scored by where they lie to the next boundary of the bar: at it, or beyond it."""

    def __post_init__(self) -> None:
        if self.boundary_reader and self.conditioning != "full":
            raise ConfigError('boundary_reader needs conditioning = "full"')
        if self.conditioning not in CONDITIONINGS:
            raise ConfigError(f"conditioning {self.conditioning!r} is not one of {', '.join(CONDITIONINGS)}")
        if self.d_model % self.n_heads or self.n_heads % self.n_kv_heads or (self.d_model // self.n_heads) % 2:
            raise ConfigError("d_model must divide into an even width a head, and n_heads by n_kv_heads")


@dataclass(frozen=True)
class DataConfig:
    """What a training sequence is made of."""

    mixture: dict[str, float] = field(
        default_factory=lambda: {
            "mma": 0.40, "freedoom": 0.12, "orchestra": 0.11, "quartets": 0.11,
            "lieder": 0.10, "mutopia": 0.10, "groove": 0.06,
        }
    )  # fmt: skip
    """Share of the rows by source; sources that are absent are left out, unnamed ones get 0.05."""
    infill_share: float = 0.5
    """Share of segments in infill layout (their left side still trains continuation)."""
    start_share: float = 0.15
    """Share of plain segments that begin at the piece's first bar."""
    context_weight: float = 0.25
    """Loss weight of the kept parts and the right side of an infill."""
    null_share: float = 0.2
    """Share of segments without any condition."""
    drop_share: float = 0.2
    """Chance of each channel to be dropped on its own; chord, key and density use `drop_share_detail`."""
    drop_share_detail: float = 0.4
    strike_share: float = 0.4
    """Share of segments whose boundaries are strikes off the pattern (`labels.STRIKE`)."""
    transpose_low: int = -5
    transpose_high: int = 6
    velocity_jitter: int = 8
    thin_share: float = 0.0
    """Share of segments that keep only some of their parts (`windows.thin_parts`)."""
    piece_instruments: float = 0.5
    """Share of segments that are told the instruments of their whole piece; others those of their own bars."""
    groove_swap: float = 0.2
    """Chance that a rendered band gets real drums of the same metre and nearly the same tempo."""
    arousal: str = "arousal"
    """Arousal column: `arousal` (tempo-free) or `arousal_tempo`."""


@dataclass(frozen=True)
class TrainConfig:
    """How it is trained."""

    seed: int = 1
    batch: int = 8
    """Sequences a step, over all processes and accumulation steps."""
    micro_batch: int = 8
    """Sequences a forward pass (per process)."""
    length: int = 0
    """Rows of a sequence; 0 = the network's context. Shorter ones learn faster at first: more pieces a step."""
    lr_matrix: float = 0.02
    """Muon's rate for the matrices of the layers."""
    lr_other: float = 5e-3
    """AdamW's rate for everything else."""
    weight_decay: float = 0.01
    dropout: float = 0.0
    """For runs that see the data many times."""
    warmup_steps: int = 200
    decay_share: float = 0.3
    """Share of the budget (`--steps` or `--minutes`) over which the rates fall to 0; without one they stay."""
    ema: float = 0.999
    grad_clip: float = 1.0
    precision: str = "bf16"
    checkpoint_minutes: float = 5.0
    log_every: int = 20
    eval_every: int = 500
    eval_sequences: int = 16
    """Validation windows a source."""
    threads: int = 1
    """CPU threads of the training process (ignored on a GPU)."""
    workers: int = 0
    """Processes that prepare sequences; 0 prepares them in the training process."""
    compile: bool = False


@dataclass(frozen=True)
class Config:
    """A whole run."""

    model: ModelConfig = field(default_factory=ModelConfig)
    data: DataConfig = field(default_factory=DataConfig)
    train: TrainConfig = field(default_factory=TrainConfig)


T = TypeVar("T")


def _fill(kind: type[T], values: Mapping[str, Any], where: str) -> T:
    """A dataclass from a mapping; unknown names and wrong types raise ConfigError."""
    known = {entry.name: entry for entry in fields(kind)}  # type: ignore[arg-type]
    unknown = set(values) - set(known)
    if unknown:
        raise ConfigError(f"{where}: unknown {', '.join(sorted(unknown))}; known are {', '.join(known)}")
    default = kind()
    arguments: dict[str, Any] = {}
    for name, value in values.items():
        expected = getattr(default, name)
        if is_dataclass(expected):
            arguments[name] = _fill(type(expected), value, f"{where}.{name}")
            continue
        if isinstance(expected, float) and isinstance(value, int) and not isinstance(value, bool):
            value = float(value)
        if type(value) is not type(expected):
            raise ConfigError(f"{where}.{name}: {value!r} is not a {type(expected).__name__}")
        arguments[name] = value
    return kind(**arguments)


def from_dict(values: Mapping[str, Any]) -> Config:
    """A configuration from nested mappings (what `to_dict` gives)."""
    return _fill(Config, values, "config")


def to_dict(config: Config) -> dict[str, Any]:
    """Nested dictionaries of a configuration."""
    return asdict(config)


def load(source: str | Path) -> Config:
    """Read a TOML file, or a shipped configuration by its name (`base`, `large`, `paper`, `tiny` ...)."""
    path = Path(source)
    if not path.suffix:
        path = CONFIG_FOLDER / f"{source}.toml"
    if not path.is_file():
        shipped = ", ".join(sorted(file.stem for file in CONFIG_FOLDER.glob("*.toml")))
        raise ConfigError(f"{path}: no such configuration; shipped ones are {shipped}")
    return from_dict(tomllib.loads(path.read_text(encoding="utf-8")))

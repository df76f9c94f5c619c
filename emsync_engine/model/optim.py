"""Optimisers: Muon for the matrices inside the network, AdamW for everything else, one schedule for both.

Muon (Jordan et al. 2024): the momentum of a matrix is replaced by its nearest semi-orthogonal matrix, found by
five Newton-Schulz steps of a quintic, so that every direction of the matrix learns at the same pace.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, overload

import torch
from torch import Tensor, nn
from torch.optim.optimizer import ParamsT

_QUINTIC = (3.4445, -4.7750, 2.0315)
_STEPS = 5
MOMENTUM = 0.95


def orthogonalise(matrices: Tensor) -> Tensor:
    """Newton-Schulz iteration towards U V^T of each matrix. Shape (batch, rows, columns), computed in bf16."""
    a, b, c = _QUINTIC
    x = matrices.bfloat16()
    tall = x.shape[-2] > x.shape[-1]
    if tall:
        x = x.mT
    x = x / (x.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    for _ in range(_STEPS):
        gram = x @ x.mT
        x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    out: Tensor = (x.mT if tall else x).to(matrices.dtype)
    return out


class Muon(torch.optim.Optimizer):
    """Momentum, orthogonalised; matrices of one shape are treated together. Weight decay is decoupled."""

    def __init__(self, params: ParamsT, lr: float, weight_decay: float) -> None:
        super().__init__(params, {"lr": lr, "weight_decay": weight_decay})

    @overload
    def step(self, closure: None = None) -> None: ...
    @overload
    def step(self, closure: Callable[[], float]) -> float: ...

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:
        """One update from the gradients."""
        for group in self.param_groups:
            by_shape: dict[tuple[int, ...], list[Tensor]] = {}
            for parameter in group["params"]:
                if parameter.grad is not None:
                    by_shape.setdefault(tuple(parameter.shape), []).append(parameter)
            for (rows, columns), parameters in by_shape.items():
                updates = orthogonalise(torch.stack([self._momentum(p) for p in parameters]))
                scale = -group["lr"] * max(1.0, rows / columns) ** 0.5
                for parameter, update in zip(parameters, updates.unbind(0), strict=True):
                    parameter.mul_(1 - group["lr"] * group["weight_decay"]).add_(update, alpha=scale)
        return None if closure is None else closure()

    def _momentum(self, parameter: Tensor) -> Tensor:
        """Nesterov momentum of a parameter's gradient."""
        assert parameter.grad is not None
        state: dict[str, Any] = self.state[parameter]
        if "momentum" not in state:
            state["momentum"] = torch.zeros_like(parameter)
        state["momentum"].lerp_(parameter.grad, 1 - MOMENTUM)
        return parameter.grad.lerp(state["momentum"], MOMENTUM)


@dataclass(frozen=True)
class Optimisers:
    """Both optimisers of a network, with the rates they start from."""

    muon: Muon
    adamw: torch.optim.AdamW
    lr_matrix: float
    lr_other: float

    def step(self, factor: float) -> None:
        """One update with both rates times `factor`; gradients are cleared."""
        for optimiser, rate in ((self.muon, self.lr_matrix), (self.adamw, self.lr_other)):
            for group in optimiser.param_groups:
                group["lr"] = rate * factor
            optimiser.step()
            optimiser.zero_grad(set_to_none=True)

    def tensors(self, names: dict[Tensor, str]) -> dict[str, Tensor]:
        """State as named tensors, `NAME/KEY`; `names` gives each parameter's name."""
        out = {}
        for optimiser in (self.muon, self.adamw):
            for parameter, state in optimiser.state.items():
                for key, value in state.items():
                    out[f"{names[parameter]}/{key}"] = value
        return out

    def load(self, names: dict[Tensor, str], tensors: dict[str, Tensor]) -> None:
        """Restore what `tensors` gave; parameters without stored state start afresh."""
        by_name: dict[str, dict[str, Tensor]] = {}
        for path, value in tensors.items():
            name, _, key = path.rpartition("/")
            by_name.setdefault(name, {})[key] = value
        for optimiser in (self.muon, self.adamw):
            for group in optimiser.param_groups:
                for parameter in group["params"]:
                    stored = by_name.get(names[parameter])
                    if stored:
                        # AdamW counts its steps on the CPU unless it is fused.
                        counter = parameter.device if group.get("fused") else torch.device("cpu")
                        optimiser.state[parameter] = {
                            key: value.to(counter if key == "step" else parameter.device).clone()
                            for key, value in stored.items()
                        }


def is_hidden_matrix(name: str, parameter: Tensor) -> bool:
    """Whether Muon takes it: matrices from stream to stream, not tables, classes or inputs."""
    inner = name.startswith(("layers.", "cond_heads")) or ".gate." in name or ".up." in name
    return parameter.ndim == 2 and inner


def make(model: nn.Module, lr_matrix: float, lr_other: float, weight_decay: float) -> Optimisers:
    """The optimisers of a network."""
    named = list(model.named_parameters())
    matrices = [parameter for name, parameter in named if is_hidden_matrix(name, parameter)]
    others = [parameter for name, parameter in named if not is_hidden_matrix(name, parameter)]
    fused = others[0].device.type == "cuda"
    adamw = torch.optim.AdamW(others, lr=lr_other, betas=(0.9, 0.95), eps=1e-10, weight_decay=weight_decay, fused=fused)
    return Optimisers(Muon([{"params": matrices}], lr_matrix, weight_decay), adamw, lr_matrix, lr_other)


def rate_factor(step: int, warmup: int, progress: float | None, decay_share: float) -> float:
    """Warm-up, plateau, decay: the factor of both rates.

    `progress` is the share of the budget already used (0-1) or None for a run without end, which stays on the
    plateau and can be extended or brought down later.
    """
    factor = min(1.0, (step + 1) / max(warmup, 1))
    if progress is not None and decay_share > 0:
        factor *= min(1.0, max(0.0, (1.0 - progress) / decay_share))
    return factor

"""Compiled inner loops of the fast path: one row of a few streams through all layers, and one field's head.

Written for numba, which needs no compiler on the machine and keeps what it has compiled on disk. Matrices are fp32, or
int8 with one scale a row; activations, keys and values are fp32. A call runs in one thread; `fast` makes two calls at
once for many streams.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba
import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Function = TypeVar("Function", bound=Callable[..., Any])

EPSILON = np.float32(1e-5)


def compiled(function: Function) -> Function:
    """Compile at the first call and keep the result on disk; other threads run while it works."""
    return cast(Function, numba.njit(fastmath=True, cache=True, nogil=True, error_model="numpy")(function))


@compiled
def whole_dot(row: Array, x: Array) -> Any:
    """Sum of the products of int8 row (n,) and int16 x (n,), as int32."""
    total = np.int32(0)
    for j in range(row.shape[0]):
        total = np.int32(total + np.int32(np.int32(row[j]) * np.int32(x[j])))
    return total


@compiled
def project(matrix: Array, scale: Array, x: Array, out: Array) -> None:
    """out (B, rows) = x (B, columns) times matrix (rows, columns), each row with its scale.

    With int8 the products are summed as whole numbers, of x in as many steps as the sums have room for: a few
    instructions for 32 products, and the same sum in whatever order and on whatever machine.
    """
    b_rows, n = x.shape
    if matrix.itemsize == 1:
        most = np.float32(min(32767, 2147483647 // (127 * n)))
        steps, step = np.empty((b_rows, n), np.int16), np.empty(b_rows, np.float32)
        sums = np.empty((b_rows, matrix.shape[0]), np.int32)
        for b in range(b_rows):
            top = np.float32(1e-30)
            for j in range(n):
                top = max(top, abs(x[b, j]))
            for j in range(n):
                steps[b, j] = np.int16(np.rint(x[b, j] * (most / top)))
            step[b] = top / most
        for i in range(matrix.shape[0]):  # a row of the matrix is read once for all of x
            for b in range(b_rows):
                sums[b, i] = whole_dot(matrix[i], steps[b])
        for b in range(b_rows):
            for i in range(matrix.shape[0]):
                out[b, i] = np.float32(sums[b, i]) * (scale[i] * step[b])
    else:
        for i in range(matrix.shape[0]):
            for b in range(x.shape[0]):
                total = np.float32(0)
                for j in range(n):
                    total += np.float32(matrix[i, j]) * x[b, j]
                out[b, i] = total * scale[i]


@compiled
def norm_into(x: Array, out: Array) -> None:
    """Layer norm of the rows of x (B, n)."""
    n = x.shape[1]
    for b in range(x.shape[0]):
        mean = np.float32(0)
        for j in range(n):
            mean += x[b, j]
        mean /= np.float32(n)
        spread = np.float32(0)
        for j in range(n):
            spread += (x[b, j] - mean) * (x[b, j] - mean)
        factor = np.float32(1) / np.sqrt(spread / np.float32(n) + EPSILON)
        for j in range(n):
            out[b, j] = (x[b, j] - mean) * factor


@compiled
def add_into(x: Array, more: Array) -> None:
    for b in range(x.shape[0]):
        for j in range(x.shape[1]):
            x[b, j] += more[b, j]


@compiled
def gated_into(both: Array, out: Array) -> None:
    """silu of the first half of `both` (B, 2n) times its second half."""
    n = out.shape[1]
    for b in range(out.shape[0]):
        for j in range(n):
            gate = both[b, j]
            out[b, j] = gate / (np.float32(1) + np.exp(-gate)) * both[b, n + j]


@compiled
def norm_and_turn(heads: Array, cos: Array, sin: Array) -> None:
    """Norm each head of heads (heads, w) and rotate its halves by cos, sin (w / 2), in place."""
    half = cos.shape[0]
    norm_into(heads, heads)
    for h in range(heads.shape[0]):
        for j in range(half):
            first, second = heads[h, j], heads[h, half + j]
            heads[h, j] = first * cos[j] - second * sin[j]
            heads[h, half + j] = second * cos[j] + first * sin[j]


@compiled
def score_keys(q: Array, keys: Array, scores: Array) -> None:
    """Scores (heads, n) of the heads that share keys (n, w): q (heads, w). Keys are read once for all of them."""
    w = keys.shape[1]
    factor = np.float32(1) / np.sqrt(np.float32(w))
    for t in range(keys.shape[0]):
        row = keys[t]
        for h in range(q.shape[0]):
            score = np.float32(0)
            for j in range(w):
                score += q[h, j] * row[j]
            scores[h, t] = score * factor


@compiled
def softmax_rows(scores: Array, powers: Array) -> None:
    """In place, of scores (heads, n); powers (at least n, int32) is scratch.

    exp(x) = 2^k 2^f: 2^k by its bits, 2^f by a polynomial (error 2e-7), so that the loops become vector instructions.
    """
    n = scores.shape[1]
    whole = powers[:n].view(np.float32)
    for h in range(scores.shape[0]):
        row = scores[h]
        top = np.float32(-1e30)
        for t in range(n):
            top = max(top, row[t])
        for t in range(n):
            y = max((row[t] - top) * np.float32(1.4426950408889634), np.float32(-126))
            k = np.floor(y)
            f = y - k
            p = np.float32(0.00133336) * f + np.float32(0.00961813)
            p = (p * f + np.float32(0.05550411)) * f + np.float32(0.24022651)
            row[t] = (p * f + np.float32(0.69314718)) * f + np.float32(1)
            powers[t] = (np.int32(k) + np.int32(127)) << np.int32(23)
        total = np.float32(0)
        for t in range(n):
            row[t] *= whole[t]
            total += row[t]
        for t in range(n):
            row[t] /= total


@compiled
def add_values(shares: Array, values: Array, out: Array) -> None:
    """out (heads, w) += shares (heads, n) of values (n, w), four values a turn."""
    n = values.shape[0]
    whole = n - n % 4
    for t in range(0, whole, 4):
        v0, v1, v2, v3 = values[t], values[t + 1], values[t + 2], values[t + 3]
        for h in range(out.shape[0]):
            s0, s1, s2, s3 = shares[h, t], shares[h, t + 1], shares[h, t + 2], shares[h, t + 3]
            mixed = out[h]
            for j in range(mixed.shape[0]):
                mixed[j] += s0 * v0[j] + s1 * v1[j] + s2 * v2[j] + s3 * v3[j]
    for t in range(whole, n):
        for h in range(out.shape[0]):
            for j in range(out.shape[1]):
                out[h, j] += shares[h, t] * values[t, j]


@compiled
def attend(wide: Array, begun: tuple[Array, Array], own: tuple[Array, Array], rows: Array, out: Array) -> None:
    """Attention in one layer of B streams over their beginnings and what they have added since.

    wide (B, d + 2 kv): queries, keys, values; begun: shared keys and values (beginnings, kv heads, capacity, w);
    own: the same (streams, ...); rows (4, B): stream, beginning, its rows, own rows (the present one not counted).
    The streams of a beginning follow one another, so that its keys are still at hand.
    """
    b_rows, d = out.shape
    kv_heads, w = own[0].shape[1], own[0].shape[3]
    shared = d // w // kv_heads
    longest = np.max(rows[2] + rows[3]) + 1
    scores, powers = np.empty((shared, longest), np.float32), np.empty(longest, np.int32)
    for g in range(kv_heads):
        key, value = d + g * w, d + (kv_heads + g) * w
        for b in range(b_rows):
            stream, common, p, n = rows[0, b], rows[1, b], rows[2, b], rows[3, b]
            own[0][stream, g, n] = wide[b, key : key + w]
            own[1][stream, g, n] = wide[b, value : value + w]
            q = wide[b, :d].reshape(kv_heads, shared, w)[g]
            mixed = out[b].reshape(kv_heads, shared, w)[g]
            mixed[:] = np.float32(0)
            score_keys(q, begun[0][common, g, :p], scores[:, :p])
            score_keys(q, own[0][stream, g, : n + 1], scores[:, p : p + n + 1])
            softmax_rows(scores[:, : p + n + 1], powers)
            add_values(scores[:, :p], begun[1][common, g, :p], mixed)
            add_values(scores[:, p : p + n + 1], own[1][stream, g, : n + 1], mixed)


@compiled
def step_layers(
    x: Array,
    condition: Array,
    told: tuple[Array, Array],
    qkv: tuple[Array, Array],
    out: tuple[Array, Array],
    gate_up: tuple[Array, Array],
    down: tuple[Array, Array],
    begun: tuple[Array, Array],
    own: tuple[Array, Array],
    rows: Array,
    turn: tuple[Array, Array],
) -> Array:
    """One row of B streams through all layers: x (B, d) -> normed stream (B, d); keys and values are entered.

    Each matrix is a pair of (layers, rows, columns) and scales (layers, rows); begun, own and rows as in `attend`,
    but by layer; turn: cos and sin of the rotary positions (places, w / 2).
    """
    b_rows, d = x.shape
    kv_heads, w = own[0].shape[2], own[0].shape[4]
    turned = d + kv_heads * w
    h = np.empty((b_rows, d), np.float32)
    wide = np.empty((b_rows, turned + kv_heads * w), np.float32)
    both = np.empty((b_rows, gate_up[0].shape[1]), np.float32)
    inner = np.empty((b_rows, down[0].shape[2]), np.float32)
    for layer in range(qkv[0].shape[0]):
        if condition.shape[1] > 0:
            project(told[0][layer], told[1][layer], condition, h)
            add_into(x, h)
        norm_into(x, h)
        project(qkv[0][layer], qkv[1][layer], h, wide)
        for b in range(b_rows):
            place = rows[2, b] + rows[3, b]
            norm_and_turn(wide[b, :turned].reshape(turned // w, w), turn[0][place], turn[1][place])
        attend(wide, (begun[0][layer], begun[1][layer]), (own[0][layer], own[1][layer]), rows, h)
        project(out[0][layer], out[1][layer], h, wide[:, :d])
        add_into(x, wide[:, :d])
        norm_into(x, h)
        project(gate_up[0][layer], gate_up[1][layer], h, both)
        gated_into(both, inner)
        project(down[0][layer], down[1][layer], inner, h)
        add_into(x, h)
    norm_into(x, h)
    return h


@compiled
def step_head(x: Array, gate_up: tuple[Array, Array], classes: tuple[Array, Array]) -> Array:
    """Raw outputs of one field: x (B, d) -> (B, rows of `classes`)."""
    h = np.empty_like(x)
    both = np.empty((x.shape[0], gate_up[0].shape[0]), np.float32)
    inner = np.empty((x.shape[0], gate_up[0].shape[0] // 2), np.float32)
    out = np.empty((x.shape[0], classes[0].shape[0]), np.float32)
    norm_into(x, h)
    project(gate_up[0], gate_up[1], h, both)
    gated_into(both, inner)
    project(classes[0], classes[1], inner, out)
    return out

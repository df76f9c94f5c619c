"""Hindsight: the composer's own music, labelled with the boundaries it happens to mark, to fit its boundary reader on.

    python -m emsync_engine.model.hindsight --out own --name own_a --pieces 200
    python -m emsync_engine.model.boundaries --weights FIRST --own own --out weights   (needs a second source)

A network that knows its training pieces by heart learns nothing there from being told a boundary: it knows what comes
next in any case. Of music that it makes up it knows no more than its own probabilities, so the strikes that happened
(`labels.STRIKE`) are news, and what it learns from them is to make such a strike where one is announced: p(music |
boundary) from samples of p(music), as in hindsight experience replay (Andrychowicz et al. 2017). What it writes where
nothing is announced stays as it was, for the music is its own.

Cues are composed over random edits (`evaluation.cues`, other seeds than those that are measured) with no boundary told
and no hit forced. `--name` names the source: processes with different names and seeds write side by side.
"""

from __future__ import annotations

import argparse
import itertools
import logging
import shutil
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from emsync_engine.model import conditions as cond
from emsync_engine.model import dataset, shards, shipped, valence
from emsync_engine.model.decode.compose import compose
from emsync_engine.model.decode.draft import Decoding
from emsync_engine.model.decode.fast import network_of
from emsync_engine.model.decode.reference import Network
from emsync_engine.model.decode.sample import Sampling
from emsync_engine.model.decode.weights import load
from emsync_engine.model.decode.wishes import Wishes
from emsync_engine.model.evaluation import cues
from emsync_engine.model.train import DEFAULT_DATA

log = logging.getLogger(__name__)

FIRST_SEED = 100_000
DURATION_S = 45.0
UNTOLD = frozenset(cond.CHANNELS) - {"boundary"}
STYLES = (
    Decoding(Sampling(temperature=1.0), 1, Wishes(0, 0, 0, 0, 0, 0), UNTOLD, forced=False, theme=False),
    Decoding(Sampling(), 1, Wishes(), UNTOLD, forced=False, theme=False),
)
"""In turn: the network alone, and as it is decoded for users."""
_WRITE_EVERY = 25


def draft(network: Network, seed: int, model: valence.ValenceModel) -> dataset.Draft:
    """One cue of `DURATION_S` seconds with its labels."""
    score = compose(cues.sheet_of(seed, DURATION_S), seed, network, STYLES[seed % len(STYLES)])
    return dataset.label(f"{seed}", cues.heard(score), model, None)


def write(folder: Path, name: str, drafts: Sequence[dataset.Draft], scale: tuple[float, float]) -> None:
    """All pieces so far as the source's shard; arousal is ranked among them."""
    whole = folder / f"{name}.train.npz"
    part = folder / f".{name}.part.npz"
    shards.write(part, dataset.rank_labels(drafts, *scale))
    part.replace(whole)


def main(argv: Sequence[str] | None = None) -> int:
    """Command line; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m emsync_engine.model.hindsight", description=__doc__)
    parser.add_argument("--weights", type=Path, default=None, help="an export (default: the shipped weights)")
    parser.add_argument("--data", type=Path, default=DEFAULT_DATA, help="the data set: its held-out pieces come along")
    parser.add_argument("--out", type=Path, required=True, help="folder of the new data set")
    parser.add_argument("--name", default="own", help="name of the source")
    parser.add_argument("--first", type=int, default=FIRST_SEED, help="first seed")
    parser.add_argument("--pieces", type=int, help="end after so many")
    parser.add_argument("--seconds", type=float, help="end after so much time")
    args = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    if args.pieces is None and args.seconds is None:
        parser.error("say when to end: --pieces or --seconds")
    if not (args.data / "valence.json").is_file():
        parser.error(f"{args.data} has no valence labels (it was built without annotated pieces)")
    fitted = valence.from_json((args.data / "valence.json").read_text("utf-8"))
    scale = dataset.valence_scale(args.data)
    network = network_of(load(args.weights or shipped.shipped()))
    args.out.mkdir(parents=True, exist_ok=True)
    for file in args.data.glob("*.valid.npz"):
        shutil.copy(file, args.out / file.name)
    began, drafts = time.monotonic(), list[dataset.Draft]()
    for seed in itertools.count(args.first):
        full = args.pieces is not None and len(drafts) >= args.pieces
        full |= args.seconds is not None and time.monotonic() - began >= args.seconds
        if drafts and (full or len(drafts) % _WRITE_EVERY == 0):
            write(args.out, args.name, drafts, scale)
            log.info("%d pieces, %d notes", len(drafts), sum(d.piece.n_notes for d in drafts))
        if full:
            return 0
        drafts.append(draft(network, seed, fitted))
    raise AssertionError("unreachable")


if __name__ == "__main__":
    sys.exit(main())

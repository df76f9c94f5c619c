"""Bounds on how often anybody may ask."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable

_SENDERS = 1024
"""Senders whose rates are remembered."""


class Bucket:
    """Lets ``burst`` requests through at once and ``rate`` a second in the long run."""

    def __init__(self, rate: float, burst: float, now: float) -> None:
        self._rate, self._burst = rate, burst
        self._left, self._at = burst, now

    def take(self, now: float) -> bool:
        """Whether one more request may pass now."""
        self._left = min(self._burst, self._left + (now - self._at) * self._rate)
        self._at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True


class Rates:
    """One bucket a sender."""

    def __init__(self, rate: float, burst: float) -> None:
        self._rate, self._burst = rate, burst
        self._buckets: OrderedDict[Hashable, Bucket] = OrderedDict()

    def take(self, sender: Hashable, now: float) -> bool:
        """Whether a sender may ask once more now."""
        bucket = self._buckets.get(sender)
        if bucket is None:
            bucket = self._buckets[sender] = Bucket(self._rate, self._burst, now)
            if len(self._buckets) > _SENDERS:
                self._buckets.popitem(last=False)
        self._buckets.move_to_end(sender)
        return bucket.take(now)

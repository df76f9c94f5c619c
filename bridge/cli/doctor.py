"""``emsync doctor``."""

from __future__ import annotations

import argparse
from typing import Any

from bridge.cli.common import say, table


def arguments(parser: argparse.ArgumentParser) -> None:
    del parser


def run(options: argparse.Namespace) -> dict[str, Any]:
    from bridge.doctor import all_checks

    checks = all_checks()
    broken = [c for c in checks if c.required and not c.ok]
    if not options.json:
        table([("ok" if c.ok else "MISSING" if c.required else "no", c.name, c.detail) for c in checks], indent="")
        for check in checks:
            if not check.ok and check.fix:
                say(f"{check.name}: {check.fix}")
    return {"checks": [c.to_json() for c in checks], "exit_status": 4 if broken else 0}

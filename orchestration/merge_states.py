"""Merge the states of shards into one, from which any number of shards can go on.

python3 merge_states.py shard-0.json shard-1.json > merged.json

Each file holds a state as the tap writes it or as `meltano state get` tells it, and so does the
output. Of each partition the latest bookmark is kept: it is that of the shard which read it last.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

MELTANO_KEY = "singer_state"
STREAM = "sales_orders"


def main() -> None:
    """Write the merged state of the files that are named."""
    given = [read(name) for name in sys.argv[1:]]
    if not given:
        sys.exit(__doc__)
    state = merged([state.get(MELTANO_KEY, state) for state in given])
    is_meltano = any(MELTANO_KEY in state for state in given)
    json.dump({MELTANO_KEY: state} if is_meltano else state, sys.stdout)


def read(name: str) -> dict[str, Any]:
    """What a file holds; a file that holds no JSON object ends the program."""
    try:
        state = json.loads(Path(name).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        sys.exit(f"{name} cannot be read: {error}")
    return state if isinstance(state, dict) else sys.exit(f"{name} holds no state.")


def merged(states: list[dict[str, Any]]) -> dict[str, Any]:
    """One Singer state with all partitions of some."""
    latest: dict[str, dict[str, Any]] = {}
    for state in states:
        for partition in state.get("bookmarks", {}).get(STREAM, {}).get("partitions", []):
            key = json.dumps(partition["context"], sort_keys=True)
            latest[key] = max(latest.get(key, partition), partition, key=bookmark)
    return {"bookmarks": {STREAM: {"partitions": list(latest.values())}}}


def bookmark(partition: dict[str, Any]) -> str:
    """A text that compares as the moment does; empty where the partition was never read."""
    return partition.get("replication_key_value") or ""


if __name__ == "__main__":
    main()

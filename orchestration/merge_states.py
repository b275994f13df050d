"""Merge the states of shards into one, from which any number of shards can resume.

python3 merge_states.py shard-0.json shard-1.json > merged.json

Each file holds a state as the tap or `meltano state get` writes it, and so does the output. Each
partition keeps its latest bookmark, that of the shard which read it last.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

MELTANO_KEY = "singer_state"
STREAM = "sales_orders"


def main() -> None:
    """Write the merged state of the named files."""
    given = [read(name) for name in sys.argv[1:]]
    if not given:
        sys.exit(__doc__)
    state = merged(given)
    is_meltano = any(MELTANO_KEY in state for state in given)
    json.dump({MELTANO_KEY: state} if is_meltano else state, sys.stdout)


def read(name: str) -> dict[str, Any]:
    """Read a state; the program exits if a file holds none."""
    try:
        state: dict[str, Any] = json.loads(Path(name).read_text(encoding="utf-8"))
        merged([state])
    except (OSError, ValueError) as error:
        sys.exit(f"{name} cannot be read: {error}")
    except KeyError as missing:
        sys.exit(f"{name} holds a partition without {missing}: give states as the tap wrote them.")
    except (AttributeError, TypeError):
        sys.exit(f"{name} holds no state.")
    return state


def merged(states: list[dict[str, Any]]) -> dict[str, Any]:
    """One Singer state with all partitions of some states."""
    latest: dict[str, dict[str, Any]] = {}
    for state in states:
        for partition in partitions(state):
            key = json.dumps(partition["context"], sort_keys=True)
            latest[key] = max(latest.get(key, partition), partition, key=bookmark)
    return {"bookmarks": {STREAM: {"partitions": list(latest.values())}}}


def partitions(state: dict[str, Any]) -> list[dict[str, Any]]:
    """The partitions of a state, in either form; none if nothing was read yet."""
    singer: dict[str, Any] = state.get(MELTANO_KEY, state)
    found: list[dict[str, Any]] = singer.get("bookmarks", {}).get(STREAM, {}).get("partitions", [])
    return found


def bookmark(partition: dict[str, Any]) -> str:
    """A text that sorts by time; empty if the partition was never read."""
    return partition.get("replication_key_value") or ""


if __name__ == "__main__":
    main()

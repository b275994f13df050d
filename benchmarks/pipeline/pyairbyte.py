"""The same orders with PyAirbyte, into a cache of its own. It runs in an environment of its own.

`pyairbyte.py SPECIFICATION`: a JSON file with the source's configuration (`config`), its program
(`executable`) and the folder of the cache (`cache_dir`).
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import airbyte as ab


def main() -> None:
    """Read what the source has, from where the cache's state says."""
    asked = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    source = ab.get_source(
        "source-xstak-oms", local_executable=asked["executable"], config=asked["config"]
    )
    source.select_streams(["sales_orders"])
    source.read(cache=ab.new_local_cache("orders", cache_dir=asked["cache_dir"]))


if __name__ == "__main__":
    main()

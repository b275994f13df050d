"""The command as `python -m tap_xstak_oms`."""

from __future__ import annotations

from tap_xstak_oms.cli import main

if __name__ == "__main__":
    main()

"""`python -m xstak_sandbox`: the sandbox as a process of its own."""

from __future__ import annotations

import sys

from xstak_sandbox.cli import main

sys.exit(main())

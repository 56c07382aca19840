"""All benchmarks: `make bench`, or `python -m benchmarks.scan` for one of them."""

import subprocess
import sys

# Each in a process of its own, so that the memory of one does not count for the next.
for name in ("scan", "mqar", "figures", "training"):
    subprocess.run([sys.executable, "-m", f"benchmarks.{name}"], check=True)

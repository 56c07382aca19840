"""All benchmarks: `make bench`, or `python -m benchmarks scan` for one of them."""

import importlib
import sys

for name in sys.argv[1:] or ("scan", "mqar", "figures"):
    importlib.import_module(f"benchmarks.{name}").main()

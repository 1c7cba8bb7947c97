"""``make bench``: every measurement, one after the other."""

from __future__ import annotations

import sys

from benchmarks import nlu_speed, turns

if __name__ == "__main__":
    arguments = sys.argv[1:]
    sys.exit(turns.main(arguments) or nlu_speed.main([]))

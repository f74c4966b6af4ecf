"""``python -m debiaslab``."""

import gc

from debiaslab.cli import main

if __name__ == "__main__":
    # A million imported objects stay to the end: looking among them for garbage over and over, and
    # once more at exit, takes a third of a short command's time.
    gc.set_threshold(50_000, 10, 10)
    code = main()
    gc.freeze()
    raise SystemExit(code)

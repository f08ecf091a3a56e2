"""What moved between two pictures."""

import os

# Not one of this room's sums uses them, and starting them is a third of the time numpy needs.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

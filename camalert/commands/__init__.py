"""One file a command: it reads, calls one room, and writes."""

import gc

# What is loaded is no garbage, and looking for some is a tenth of what --help takes. See cli.run.
gc.set_threshold(50_000)

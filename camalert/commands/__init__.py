"""One file a command: it reads, calls one room, and writes."""

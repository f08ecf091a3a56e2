"""The panel: what becomes an alarm, and the notes that none is lost."""

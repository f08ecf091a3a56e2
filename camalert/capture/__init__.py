"""Pictures from cameras of every kind, each within its deadline."""

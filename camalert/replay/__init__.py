"""Recorded footage, judged again: what would have alarmed, before and after."""

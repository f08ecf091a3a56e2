"""Pins: PIRs, the button, LEDs, and a simulated board."""

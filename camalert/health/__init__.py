"""What the machine and the line are fit for: vitals and the checks of doctor."""

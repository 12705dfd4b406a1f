"""The roads on which an original could be reached: a file for each, and what a road is in `road`."""

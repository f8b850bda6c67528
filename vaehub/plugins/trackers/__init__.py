"""Trackers: what is trained and measured, shown by other programs as it goes."""

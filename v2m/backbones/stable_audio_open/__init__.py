"""Stable Audio Open 1.0 and small, and the ControlNet that steers the former by loudness."""

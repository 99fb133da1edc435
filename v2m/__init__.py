"""V2M: a timeline goes in, music that hits its cuts comes back on the timeline."""

__version__ = "0.1.0"

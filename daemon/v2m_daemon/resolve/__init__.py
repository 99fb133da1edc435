"""DaVinci Resolve on this machine: where it lies, and V2M's scripts in its menu."""

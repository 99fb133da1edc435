"""Models and SoundFonts that a user may add: what there is, and what lies on this machine."""

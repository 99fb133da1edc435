"""Latents <-> sound: the codec of each backbone."""

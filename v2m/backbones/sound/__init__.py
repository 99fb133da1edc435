"""Backbones that compose sound: pretrained models of latents that an autoencoder turns into a waveform."""

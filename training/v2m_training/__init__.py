"""Training: composing music to learn from, and fine-tuning on its event curves."""

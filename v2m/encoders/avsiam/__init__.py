"""The encoder `avsiam`: one vision transformer for pictures and for sound.

spectrogram  samples -> spectrogram as the model was trained on
network      pictures or spectrograms -> states of their patches
eye          pictures -> features
ear          sound of any length -> features
"""

"""Features of picture and sound, from which event curves are made.

protocol       what every encoder is
choosing       names, and the best one here
pixel flow     of pictures, without weights: what they look like, how they move (optical_flow, motion)
dinov2 vjepa2 cotracker avsiam    of pictures, pretrained
spectral       of sound, without weights
musicfm avsiam codec_latents      of sound, pretrained
weights vision     files of pretrained networks, and what those that see have in common
gathering clips    rows of single pictures, and of clips of shots, in order of time
spans              rows of long pieces of sound
store              what was computed before
"""

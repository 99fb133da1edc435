"""Picture and words -> the text that conditions the music."""

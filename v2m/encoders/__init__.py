"""Features of picture and sound, from which event curves are made."""

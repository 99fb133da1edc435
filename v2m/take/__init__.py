"""Takes: one result and all that made it, as a folder, from writing to reading back.

record    what `take.json` holds
latents   what the backbone composed, on disk
pictures  some of what was looked at, on disk
shelf     how takes come to stand in their folder whole
opened    a take read back: its music, and all that plays it as it was played
whole     the files of a take as it is before any hit is moved
joined    parts kept sample for sample beside parts played anew
remake    a take made again from its folder alone, and compared
family    which take was made from which
"""

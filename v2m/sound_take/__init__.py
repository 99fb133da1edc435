"""Takes of models that compose sound: fitted to the hits after they are composed, and kept with their sound.

    asking      what the model is told: the user's words, and the tempo that reaches most hits
    files       composed sound and latents in a take's folder
    laying      the beats that are heard, laid on the hits by a gentle map
    playing     the music along that map, mastered
    score       the first verb
    opened      a take read back from its folder
    retiming    the second verb: what bends, what the model composes again
    restyling   the third verb: other words on the same hits

The model's sound is kept as it was composed, so all that follows can be made again without the model.
"""

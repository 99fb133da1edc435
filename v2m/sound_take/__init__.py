"""Takes of models that compose sound: fitted to the hits after they are composed, and kept with their sound.

    asking      what the model is told: the user's words, and the tempo that reaches most hits
    files       composed sound and latents in a take's folder
    laying      the beats that are heard, laid on the hits by a gentle map
    playing     the music along that map, mastered
    score       the first verb
    opened      a take read back from its folder
    edited      one edit of it: its knots, what it composes again
    renewal     that composed by the model, among what stays
    retiming    the second verb: what bends, what is composed again
    settling    a take with all that was done to it taken for given
    restyling   the third verb: other words on the same hits
    again       whether the same latents come again

The model's sound is kept as it was composed, so all that follows can be made again without the model.
"""

"""Numbers that say how good a result is, with their chance levels.

events            lists of moments, matched one to one; shifts for chance
beats             what librosa hears in a file
sch               beats on cuts
heard             onsets near moments
hit_at_frame      onsets within a frame of them, beside chance
optical_flow      where each spot of a picture goes
motion            when a dancer arrives, from joints or from the picture
dance             beats of music on beats of dance, in three published definitions
vggish_input      sound as VGGish is shown it
vggish            the network that FAD measures in
frechet           the distance of two clouds of vectors
fad               of two bodies of music
cosine            between vectors, row by row
clap              of music and words
curve_distances   of event curves, as in the paper's table 8
robustness        what harmless changes do to curves
three_way         what curves tell of the kind of video
paired            whether a difference is luck
music, key        whether notes make music
"""

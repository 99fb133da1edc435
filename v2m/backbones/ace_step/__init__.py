"""ACE-Step 1.5: base, sft and turbo, by the modules of diffusers, whose numbers are the official ones.

    layout        which files a folder holds, official or of diffusers
    words         the text that the model was trained to read
    conditions    words and silence to what the transformer attends to
    transformer   noisy latents to velocity, words kept over the steps, the event curve's hook
    guidance      projected guidance with momentum, by words and by curve
    sampler       from noise to latents, repainting between what is kept
    model         all of it as a `SoundModel`

Sources: arXiv 2602.00744; diffusers, `AceStepTransformer1DModel`; and the behaviour of the code at
https://github.com/ace-step/ACE-Step-1.5, against which `benchmarks/parity.py` compares every module.
"""

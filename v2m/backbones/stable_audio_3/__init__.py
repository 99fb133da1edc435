"""Stable Audio 3: small and medium, base and post-trained, from their original files.

    config config_file keys                      what `model_config.json` says
    norms rotary attention feed_forward          what both transformers are made of
    transformer   the diffusion transformer: noisy latents to velocity
    resampling autoencoder                       SAME-S and SAME-L: latents to sound and back
    text duration conditioner embeddings         what the transformer is told besides
    schedule sampler                             from noise to latents
    lora weights                                 official files to tensors
    memory                                       what all of it takes
    model         all of it as a `SoundModel`

Sources: arXiv 2605.17991 (the model), arXiv 2605.18613 (the autoencoder), and the behaviour of the code at
https://github.com/Stability-AI/stable-audio-3, against which `benchmarks/parity.py` compares every module.
"""

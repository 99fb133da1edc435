"""`paper`: a model of the paper's size, for those who train their own.

The transformer is the project's own (`v2m.model.dit`), here over latents of sound: 16 layers, width 2048,
feed-forward 8192, cross-attention to Gemma-3, mask and masked latents as inputs for continuation, and the
event curve as one more input column of 2,048 numbers. Latents of 12.3 Hz (7 · 512 = 3584 samples at
44.1 kHz); 96 steps of Euler. Any smaller size is another `config.json`.

    config        the shape and how to sample, as `config.json` says them
    network       the transformer: new with random weights, or from a folder; and a folder from it
    autoencoder   which autoencoder a folder's `autoencoder/` holds
    words         prompts to embeddings, by a language model that is kept only where memory allows
    model         all of it as a `SoundModel`

A model's folder, which `network.save_network` and `v2m.backbones.sound.oobleck_folder` reads:

    config.json                 `PaperConfig`, every key optional
    model.safetensors           tensors by the names of `v2m.model.dit.DiT`, any format of numbers
    autoencoder/                config.json and diffusion_pytorch_model.safetensors, as diffusers saves them
    text_encoder/               a folder of transformers with its tokenizer; or ../gemma-3-4b-it, shared

Source: V2M-Zero, sections 3.1, 3.3, 3.5.
"""

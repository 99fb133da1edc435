"""The model that composes: a rectified-flow transformer over latent frames.

Data flow: `conditioning` (what is asked) and `noise` -> `sampler` (the solver, calling `dit` at each step)
-> latents. `flow` is the path between noise and data that training and sampling share; `checkpoint` keeps
weights on disk; `device` picks where and in which number format to compute.

Axes, as named in comments at every reshape: b batch, t latent frame, c latent channel, d width, s audio
sample; within a module also g mask group, m grid feature, n text token, h head.
"""

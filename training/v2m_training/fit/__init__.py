"""Fine-tuning of pretrained models of sound on event curves of their own training music.

In the order of a run: `config` what is asked, `families` the model, `batches` what a step learns from,
`trainer` the step, `measures` what is held against unseen music, `run` all of it from a folder to a folder.
"""

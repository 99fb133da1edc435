"""A prompt that nobody gave, from what is seen and said in the programme (paper, appendix B, algorithm 2).

    voice    -> transcript                    Whisper
    pictures -> captions -> summary           a model that looks and reads: Gemma 3, Qwen3-VL
    transcript, summary -> prompt             the same, or another that writes: Llama

description   what came of each step, as data that a user can edit
instructions  what the models are asked
remembered    answers that were given before
listening, looking   the models, loaded one after another
watch         the algorithm
unasked       which prompt a programme gets that nobody gave one for
"""

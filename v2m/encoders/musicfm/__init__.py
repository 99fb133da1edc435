"""The music encoder `musicfm`: a foundation model of music, in plain torch.

mel      samples -> spectrogram as the model was trained on
network  spectrogram -> hidden states
ear      sound of any length -> features
"""

"""The video encoder `cotracker`: points followed on moving bodies; its weights are for non-commercial use.

pictures  clips -> maps of features that points are found by
refining  where a point seems to be -> where it is, by a transformer over time and points
tracker   clips and points -> tracks
eye       pictures -> features
"""

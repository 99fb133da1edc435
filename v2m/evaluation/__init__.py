"""Benchmarks of the field: read as published, scored by anyone's audio, told beside published figures.

readers    folders as their makers lay them out -> clips
peers      who else makes music for pictures, under what licence, and how to get their audio
published  figures of papers, with their sources and contradictions
store      what was found, kept so that a run can be stopped
seen       cuts, arrivals and curves of the videos
rows       what is measured of one clip's music
spread     many clips over processes, devices or a cluster
run        a benchmark and folders of audio -> measured rows
dancing    a dancer's arrivals as hits
compose    music of our own for a benchmark
table      rows -> a table, with intervals, tests, and published rows beside
report     tables and plots as HTML and Markdown
listening  people's preferences: a blind pairwise test in the browser
"""

"""A listening test: which of two pieces of music for one video people prefer, and whether that is luck.

trials   the pairs, blind and in random order
votes    what was answered, appended as it comes
page     what the listener sees
server   on loopback, behind a token
winning  win rates and their tests
"""

"""What is fast, and against whom: each module is one question, a table and a JSON file.

`make bench` runs all of them, `python -m benchmarks.NAME` one. These are not tests: a time on a
shared machine means nothing, so everything is a ratio against a peer in the same run.
"""

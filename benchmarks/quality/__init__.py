"""What makes results better, measured on photos of your own: each module is one question.

They print tables for the documents, and are no part of `make bench`, whose photos are rendered.
"""

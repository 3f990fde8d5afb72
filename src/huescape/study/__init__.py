"""A study of people: which of two photos, shown one after the other, was colored?"""

"""
What an operator does to a mirror besides running it: repair, delete, collect garbage, restore, prove.

Each of these knows both what a run does and what a verification sees. What changes the mirror holds its lock.
"""

"""Samples an account: does it answer, and what are the columns and the key of its orders?"""

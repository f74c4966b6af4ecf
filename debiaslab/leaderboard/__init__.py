"""Scoring handed-in files: the program that the competition runs, the bundle, the leaderboard."""

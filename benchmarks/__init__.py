"""Side-by-side measurements; each prints its figures as ratios and as seconds. Not part of the tests."""

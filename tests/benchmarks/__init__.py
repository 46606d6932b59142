"""What is timed: ratios taken in one run, printed and never asserted. Run by hand, not by the test suite."""

"""Benchmarks: dayzero and its peers on the same data in the same run; see README.md."""

"""The report: estimates in, pages out. Nothing here computes a statistic."""

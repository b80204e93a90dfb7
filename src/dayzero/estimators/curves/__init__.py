"""Curves of survival, incidence and state probability, and what is read off them."""

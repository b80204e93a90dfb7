"""Readers: files in, text tables out. One file a format."""

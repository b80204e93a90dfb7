"""Blood counts: engraftment, and toxicity to the marrow."""

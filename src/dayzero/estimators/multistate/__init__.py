"""Multi-state models: hazards of transitions, and the probabilities and lengths of stay that follow from them.

Hazards (of a table, or of a patient under Cox models) become probabilities by the product of (I + dA), and these become
lengths of stay. A transition is written ``from -> to``.
"""

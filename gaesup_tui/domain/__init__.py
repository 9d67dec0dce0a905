"""The nouns and the rules, pure: no I/O, no event loop, no clock, no randomness.

Everything that lives is three functions over frozen values: ``decide`` says what follows from
an input, ``apply`` folds an event into the state, ``wishes`` says what should be true in the
world now. Beside them ``due`` (when time alone changes something) and ``waiting`` (what it waits
for, since when, for whom, and what happens if nobody acts).

``views``, ``actions`` and ``text`` need no third-party import, so that a console can paint
before the models are loaded.
"""

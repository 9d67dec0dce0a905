"""Textual widgets for consoles that are read over slow lines by tired people.

They know no engine: everything they show arrives as plain data (`Row`, `Cell`, small frozen
dataclasses), everything a person does leaves as a Textual message or a call of a callback.

Three habits hold in every module here:

- **Nothing is painted that did not change.** A widget compares what it would draw with what it
  drew and refreshes only the lines (and of each line only the part) that differ.
  `frames.FrameDiff`, a mixin for the app, then sends only the cells that differ, so that a dialog
  over a full screen costs 1.6 kB where it cost 17.
- **Drawing is a pure function** from data and width to runs of `Cell`, so it can be tested, and
  used in a grid cell, without an app. `paint.Lines` puts such lines on the screen.
- **Colour is a name** (`ok`, `warn`, `bad`, `dim`, ...), resolved by `theme.level_styles`, and
  never the only carrier of a meaning.

Import the module you need (`from gaesup_widgets.grid import Grid`); this package imports nothing
by itself, because a console's start pays for every import.
"""

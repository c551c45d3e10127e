"""The pictures of Luotuo Hub, drawn by program.

Every illustration of the site (three characters, the logo, the app icons) is
described here in Python and written out as clean SVG by
``python -m assets.drawing``.  Nothing is traced, imported or rasterised: the
figures are built from paths, circles and thick strokes, so a pose is a handful
of numbers and a new picture is one more entry in a ``PICTURES`` tuple.

How the modules build on each other:

``svg``      the shape vocabulary: paths, smooth blobs, groups, the document
``model``    what a picture is: expression, arms, pose, caption, cues
``eyes``     eyes and brows in every state
``faces``    mouths, blush, tears, and the table of expressions by name
``hands``    arms as outlined strokes, and the hands that end them
``figure``   the order in which the parts of any figure overlap
``nature``   outdoor backgrounds; ``rooms`` indoor ones
``props``    things held in a hand; ``furniture`` things that stand around
``effects``  small drawn marks: notes, question marks, sparkles

``haruhi``, ``camel`` and ``wukong`` hold the fifteen pictures of each
character; the matching ``*_figure`` modules know what the character looks
like.  ``marks`` draws the logo and the icons.
"""

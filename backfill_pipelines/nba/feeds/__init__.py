"""Feed files to rows: which capture of an entity counts, how each feed is read, what is set aside and why.

``captures`` finds files, ``loading`` runs a parser over them, one module for each feed parses. No table is written
here; see ``raw`` for that.
"""

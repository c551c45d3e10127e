"""The parts of the embedding tab, one file each: data, map, selection, clusters, search, labels, pairs, project.

Each file holds its handlers first, then what builds its components; apps/embedding/tab.py joins them.
"""

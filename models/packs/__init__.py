"""Character packs: one model (Pack), its readers and writers, and where a user's packs live.

    pack, report = read_pack(path, task)     any format, found out from the content
    data = write_zip(pack)                   or write_hub, write_png, write_charx
    store = PackStore(home / "packs")        the user's packs, which survive restarts

Knows no model and no page. Never unpickles, never runs anything that a pack holds.
"""

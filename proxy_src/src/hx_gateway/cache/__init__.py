"""The response cache.

What may be kept (`policy`, `answer`), under which name (`key`), as what (`entry`), where (`store`, `memory`, `redis`),
for whom (`access`), and how one answer serves all who ask at once (`flight`, `shared_stream`, `keeper`).
"""

"""ModelPool: the one place where models come into memory and leave it.

    with pool.lease("qwen3-4b", task, adapter="camelbell-c") as lease:
        lease.engine.generate(...)

Who gets what when is decided by models.schedule, what must go for it by models.plan; how a row becomes an engine is
models.opening's. Here (core) events go in and effects come out under one lock, `rooms` does in threads what takes long,
`ladders` says what may serve a request. Nothing in this package imports torch.
"""

from models.pool.core import Lease, ModelPool

__all__ = ["Lease", "ModelPool"]

"""What the tests of the remote engine ask the stub server."""

from models.engine import GenOptions, Message
from models.remote import Patience, RemoteServer
from models.task import Task
from tests.models.stub_server import BASE, KEY, Stub

QUICK = Patience(connect_s=2, first_s=5, next_s=5, retries=3, backoff_s=0.01)
ASK = [Message("system", "你是骆驼。"), Message("user", "你好")]
GREEDY = GenOptions(max_new_tokens=16, temperature=0, top_p=1.0, top_k=0, repetition_penalty=1.0, stop=(), seed=None)


def remote(stub: Stub, *, key: str = KEY, model: str = BASE, patience: Patience = QUICK) -> RemoteServer:
    """The engine over a stub."""
    return RemoteServer(stub.url, key, model, patience=patience, private_ok=True)


def ask(server: RemoteServer, messages: list[Message] | str = ASK, options: GenOptions = GREEDY) -> str:
    """The whole answer."""
    return "".join(server.generate(messages, options, Task()))

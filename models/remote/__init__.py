"""Servers that speak the OpenAI protocol (vLLM, Ray Serve LLM, llama.cpp, Ollama, a cloud) as one more engine.

`RemoteServer` is all that the rest of the hub needs: it streams answers and embeds texts, and every failure is a
HubError. Loads nothing but httpx; knows nothing of the pool, of visitors or of a page.
"""

from models.remote.server import Patience, RemoteServer, ServedModel

__all__ = ["Patience", "RemoteServer", "ServedModel"]

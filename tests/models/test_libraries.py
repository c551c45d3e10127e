"""Heavy libraries asked for by several threads of a fresh process at once."""

import subprocess
import sys

from tests.conftest import ROOT

CODE = """
import threading
from models.libraries import GENERATE, NEURAL, import_in_turn
wrong = []
def load():
    try:
        import_in_turn(*GENERATE)
        from transformers import AutoModelForCausalLM, AutoTokenizer
        from peft import LoraModel
    except BaseException as error:
        wrong.append(repr(error))
warm = threading.Thread(target=import_in_turn, args=NEURAL)
threads = [warm, *(threading.Thread(target=load) for _ in range(3))]
for thread in threads: thread.start()
for thread in threads: thread.join()
print(wrong)
"""


def test_nobody_gets_half_a_library() -> None:
    done = subprocess.run([sys.executable, "-c", CODE], cwd=ROOT, capture_output=True, text=True, timeout=240)
    assert done.stdout.strip().endswith("[]"), done.stdout + done.stderr

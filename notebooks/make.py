"""Writes the Colab notebook: `python -m notebooks.make`. Three cells: install, options, launch.

Knows the notebook format and the hub's own entry points. The page is served by the notebook's own process, so Colab
shows it through its port proxy and no public link is needed; the link is there for those who want one.
"""

import json
from pathlib import Path
from typing import Any

REPOSITORY = "https://github.com/LC1332/Luotuo-Hub"  # provisional: where the project will be cloned from
NOTEBOOK = Path(__file__).resolve().parent / "luotuo_hub.ipynb"

INSTALL = f"""\
#@title 1 · 安装 Install
#@markdown 取来项目，装好依赖；第一次要等几分钟。 Fetches the project and its requirements; minutes the first time.
repository = "{REPOSITORY}"  #@param {{type:"string"}}
revision = "main"  #@param {{type:"string"}}

import os
import subprocess
import sys
from pathlib import Path

folder = Path.cwd() if Path("app.py").is_file() else Path.home() / "luotuo-hub"
if not (folder / "app.py").is_file():
    subprocess.run(["git", "clone", "-q", "--depth", "1", "--branch", revision, repository, str(folder)], check=True)
subprocess.run([sys.executable, "-m", "pip", "install", "-q", "-r", str(folder / "requirements.txt")], check=True)
os.chdir(folder)
sys.path.insert(0, str(folder))
"""

OPTIONS = """\
#@title 2 · 选项 Options
#@markdown 标签页，逗号分隔，空着就是全部；例如 qa,summary。 Tabs, separated by commas; all when empty.
apps = ""  #@param {type:"string"}
#@markdown 访客没选过语言时用哪种；空着随浏览器。 Language of those who have not chosen one; empty: the browser's.
lang = "zh"  #@param ["zh", "en", ""]
#@markdown 自己的角色和先知篇目放在哪里；放在 /content/drive 下就会先挂载云端硬盘。 \\
#@markdown Folder of your own characters and pieces; one below /content/drive mounts Google Drive first.
home = "~/.luotuo"  #@param {type:"string"}
#@markdown 生成公开链接（经 gradio.live）。 Make a public link.
share = False  #@param {type:"boolean"}

import os
from pathlib import Path

import app

if home.startswith("/content/drive"):
    from google.colab import drive

    drive.mount("/content/drive")
argv = ["--apps", apps, "--lang", lang, "--home", str(Path(home).expanduser()), "--share" if share else "--no-share"]
chosen = app.settings(argv, os.environ)
app.prepare(chosen)
chosen
"""

LAUNCH = """\
#@title 3 · 启动 Launch
#@markdown 页面显示在下面；停止这一格就会关掉它。 The page appears below; stop this cell to close it.
import gradio as gr

from apps import find
from apps.hub import launch_options, warm_up

gr.close_all(verbose=False)
built = app.build(chosen)
built.demo.queue(max_size=64, default_concurrency_limit=8)
warm_up(find(chosen.apps))
built.demo.launch(share=chosen.share, inline=True, height=900, debug=True, **launch_options(built, lang=chosen.lang))
"""

CELLS = {"install": INSTALL, "options": OPTIONS, "launch": LAUNCH}


def notebook() -> str:
    """The notebook as the text of its file."""
    cells = [
        {
            "cell_type": "code",
            "execution_count": None,
            "id": name,
            "metadata": {"cellView": "form", "id": name},
            "outputs": [],
            "source": source.rstrip("\n").splitlines(keepends=True),
        }
        for name, source in CELLS.items()
    ]
    metadata: dict[str, Any] = {
        "colab": {"name": NOTEBOOK.name, "provenance": []},
        "kernelspec": {"display_name": "Python 3", "name": "python3"},
        "language_info": {"name": "python"},
    }
    whole = {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(whole, ensure_ascii=False, indent=1) + "\n"


def main() -> None:
    """Writes the file."""
    NOTEBOOK.write_text(notebook(), encoding="utf-8", newline="\n")
    print(NOTEBOOK.name)


if __name__ == "__main__":
    main()

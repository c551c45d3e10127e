"""What the hub claims about speed and quality, as commands that anyone can run."""

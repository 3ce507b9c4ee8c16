"""Stands for a process that checks a network which starts another process and never answers."""

import os
import subprocess
import sys
import time

if __name__ == "__main__":
    subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)", os.environ["SLEEPER"]])
    time.sleep(600)

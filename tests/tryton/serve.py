"""Runs the command `trytond` until standard input ends, so that it does not outlive a test that is killed."""

import os
import sys
import threading

from trytond.cli import main


def end_with_owner() -> None:
    sys.stdin.buffer.read()
    os._exit(0)


threading.Thread(target=end_with_owner, daemon=True).start()
main()

"""Child processes that die on purpose: forked, so that torch need not be imported anew."""

import os
import signal
import sys
import traceback
import warnings


def ended(work):
    """How a forked child ended that does this work: its exit code, or minus the signal that killed it."""
    sys.stdout.flush()
    sys.stderr.flush()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Python 3.12 warns of forks beside threads
        child = os.fork()
    if child == 0:
        code = 99
        try:
            code = work() or 0
        except SystemExit as error:
            code = error.code if isinstance(error.code, int) else 1
        except BaseException:  # noqa: BLE001  a child has nobody to raise to
            traceback.print_exc()
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status)


def die():
    """The end of this process, as by a power cut."""
    os.kill(os.getpid(), signal.SIGKILL)


def die_after(seconds):
    """The end of this process at some moment: SIGALRM's own action, which no Python code runs before."""
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, seconds)

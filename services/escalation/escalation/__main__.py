"""`python -m escalation`: the escalation worker."""

from worker.main_process.run import run

from escalation.agent import SERVICE

if __name__ == "__main__":
    run(SERVICE)

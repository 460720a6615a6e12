"""`python -m triage`: the triage worker."""

from worker.main_process.run import run

from triage.agent import SERVICE

if __name__ == "__main__":
    run(SERVICE)

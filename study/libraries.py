"""What the libraries are told before they are used: to be quiet, to send nothing, and to leave Ctrl-C to us.

Both orders work, before a library is imported and after it; what the user has set in the environment stays.
"""

import logging
import os
from collections.abc import Mapping

from uncollapse.study.proxies import past_proxies

ENVIRONMENT: Mapping[str, str] = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",  # standard output may be JSON
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_LOGGING_LEVEL": "ERROR",  # its import sets the levels of its loggers and of alembic's
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    "TUNE_DISABLE_SIGINT_HANDLER": "1",  # `study.execution.control` obeys Ctrl-C
    "TUNE_GLOBAL_CHECKPOINT_S": "1000000000",  # the ledger is what resumes, not Ray's snapshots
    "TUNE_FUNCTION_THREAD_TIMEOUT_S": "60",
    "TUNE_MAX_PENDING_TRIALS_PG": "1000000",  # the dispatcher counts, also while nodes come and go
    "TUNE_WARN_INSUFFICENT_RESOURCE_THRESHOLD_S": "1000000000",
    "TUNE_PRINT_ALL_TRIAL_ERRORS": "0",
    "RAY_TRAIN_COUNT_PREEMPTION_AS_FAILURE": "1",  # or Tune sends it out again and tells nobody
    "RAY_AIR_NEW_OUTPUT": "0",
}
LEVELS: Mapping[str, int] = {
    "mlflow": logging.ERROR,
    "mlflow.store.db": logging.CRITICAL,  # with tracebacks, what the writer to MLflow says in a sentence
    "alembic": logging.ERROR,
    "optuna.storages": logging.WARNING,  # and not `optuna`, whose level its import sets
    "optuna.study": logging.WARNING,
    "ray.tune": logging.CRITICAL,  # deaths are the dispatcher's to tell
}


def configure_libraries() -> None:
    """Tell Ray, MLflow and Optuna how to behave in this process; imports none of them."""
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    past_proxies()
    for name, level in LEVELS.items():
        logging.getLogger(name).setLevel(level)

"""Reads the orders of all locations in shards, each a task of its own, into one PostgreSQL.

Set where Airflow parses DAGs and where it runs tasks:

XSTAK_SHARD_COUNT   how many shards there are (4); docs/scaling.md tells what a change of it needs
XSTAK_PROJECT_DIR   the folder of meltano.yml (that of the checkout which holds this file)

`meltano` must be on the PATH of the workers, and their environment must hold the settings of the
tap and of target-postgres, and MELTANO_DATABASE_URI, of a PostgreSQL that keeps Meltano's state.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

PROJECT = os.environ.get("XSTAK_PROJECT_DIR") or str(Path(__file__).resolve().parents[2])
SHARD_COUNT = int(os.environ.get("XSTAK_SHARD_COUNT") or 4)

# Meltano keeps what a run needs in a folder named after the plugin: shards would share it.
RUN_SHARD = """
shard=shard-$TAP_XSTAK_OMS_SHARD_INDEX
export MELTANO_SYS_DIR_ROOT="${MELTANO_SYS_DIR_ROOT:-$PWD/.meltano}/$shard"
exec meltano run --state-id-suffix=$shard tap-xstak-oms target-postgres
"""

with DAG(
    "xstak_orders",
    schedule="@hourly",
    start_date=datetime(2024, 1, 1, tzinfo=UTC),
    catchup=False,
    # A shard's state is of one run at a time.
    max_active_runs=1,
):
    # Meltano brings its tables up to date whenever it starts, which two must not do at once.
    prepare = BashOperator(task_id="prepare", bash_command="meltano state list", cwd=PROJECT)

    shards = BashOperator.partial(
        task_id="shard",
        bash_command=RUN_SHARD,
        cwd=PROJECT,
        append_env=True,
        retries=3,
    ).expand(
        env=[
            {
                "TAP_XSTAK_OMS_SHARD_INDEX": str(index),
                "TAP_XSTAK_OMS_SHARD_COUNT": str(SHARD_COUNT),
            }
            for index in range(SHARD_COUNT)
        ],
    )

    prepare >> shards

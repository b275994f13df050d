"""Reads the orders of all locations into one PostgreSQL, with a task for each shard.

Set where Airflow parses DAGs and where it runs tasks:

XSTAK_SHARD_COUNT   the number of shards (4); docs/scaling.md says how to change it
XSTAK_PROJECT_DIR   the folder of meltano.yml (default: the checkout that holds this file)

The workers need `meltano` on their PATH, and in their environment the settings of the tap and of
target-postgres, and MELTANO_DATABASE_URI: a PostgreSQL that keeps Meltano's state.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

PROJECT = os.environ.get("XSTAK_PROJECT_DIR") or str(Path(__file__).resolve().parents[2])
SHARD_COUNT = int(os.environ.get("XSTAK_SHARD_COUNT") or 4)

# Meltano keeps a run's files in a folder named after the plugin, which shards would share.
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
    # Only one run at a time may use a shard's state.
    max_active_runs=1,
):
    # Meltano updates its tables when it starts, which two must not do at the same time.
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

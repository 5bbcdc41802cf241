"""What the accounts of the page may do, as Airflow's own manager of accounts has it: the platform sets no rights."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from dags.environment import airflow_environment
from ingest.paths import Home

AUTH_MANAGER = "airflow.providers.fab.auth_manager.fab_auth_manager.FabAuthManager"
ROLES = """
import json
from airflow.providers.fab.auth_manager.cli_commands.utils import get_application_builder
with get_application_builder() as builder:
    builder.sm.sync_roles()
    print("ROLES " + json.dumps({
        role.name: [f"{each.action.name} {each.resource.name}" for each in role.permissions]
        for role in builder.sm.get_all_roles()
    }))
    print("USERS " + json.dumps([user.username for user in builder.sm.get_all_users()]))
"""
CHANGES = ("can_create", "can_edit", "can_delete")
OWN = {"can_edit My Password", "can_edit My Profile"}


@pytest.mark.platform
def test_a_viewer_changes_nothing_an_operator_no_account_and_nobody_comes_without_one(tmp_path: Path) -> None:
    environment = {
        **os.environ,
        **airflow_environment(Home(tmp_path)),
        "AIRFLOW__CORE__AUTH_MANAGER": AUTH_MANAGER,
    }
    subprocess.run([sys.executable, "-m", "airflow", "db", "migrate"], env=environment, capture_output=True, check=True)
    told = subprocess.run(
        [sys.executable, "-c", ROLES], env=environment, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    roles = json.loads(next(line for line in told if line.startswith("ROLES ")).removeprefix("ROLES "))
    users = json.loads(next(line for line in told if line.startswith("USERS ")).removeprefix("USERS "))
    changes = {role: {right for right in rights if right.startswith(CHANGES)} - OWN for role, rights in roles.items()}
    assert roles["Public"] == []
    assert users == []
    assert changes["Viewer"] == set()
    assert {"can_read Task Logs", "can_read DAG Runs"} <= set(roles["Viewer"])
    assert {"can_create DAG Runs", "can_edit Task Instances", "can_edit HITL Detail"} <= changes["Op"]
    assert not [right for right in roles["Op"] if right.endswith((" Users", " Roles", " Passwords", " Permissions"))]
    assert "can_create Users" in changes["Admin"]

"""What the compose file, the image and their settings name, exists: variables, secrets, commands, folders, versions."""

import os
import re
import shutil
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from servers import install_debian

from ingest.config import PROJECT_DIR, Settings

COMPOSE = (PROJECT_DIR / "docker-compose.yml").read_text(encoding="utf-8")
DOCKERFILE = (PROJECT_DIR / "Dockerfile").read_text(encoding="utf-8")
SERVICES: dict[str, Any] = yaml.safe_load(COMPOSE)["services"]
OURS = {name: service for name, service in SERVICES.items() if name not in ("postgres", "redis", "s3")}
# Read by docker-compose itself.
OF_COMPOSE = {"COMPOSE_PROFILES"}


def env_example() -> dict[str, str]:
    lines = (PROJECT_DIR / ".env.example").read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def test_env_example_holds_every_variable_of_the_compose_file_with_its_default() -> None:
    used = dict(re.findall(r"\$\{(\w+):-([^}]*)\}", COMPOSE))
    assert len(re.findall(r"(?<!\$)\$\{", COMPOSE)) == len(re.findall(r"\$\{\w+:-[^}]*\}", COMPOSE)) > 20
    assert {name: value for name, value in env_example().items() if name not in OF_COMPOSE} == used


def test_every_setting_that_containers_are_given_is_a_setting() -> None:
    settings = {f"NPL_{name.upper()}" for name in Settings.model_fields}
    given = {key for service in OURS.values() for key in service.get("environment", {}) if key.startswith("NPL_")}
    in_image = set(re.findall(r"\b(NPL_[A-Z_]+)=", DOCKERFILE))
    assert {"NPL_HOME", "NPL_KEYS_DIR"} <= in_image
    assert given | in_image <= settings


def test_every_airflow_setting_is_one_of_airflows() -> None:
    given = {
        re.sub("_CMD$", "", key)
        for service in OURS.values()
        for key in service.get("environment", {})
        if key.startswith("AIRFLOW__")
    }
    program = (
        "from airflow.configuration import conf\n"
        "from airflow.providers_manager import ProvidersManager\n"
        "ProvidersManager().initialize_providers_configuration()\n"
        "print(*(f'AIRFLOW__{s}__{o}'.upper().replace('.', '_') for s, d in conf.configuration_description.items()"
        " for o in d['options']))"
    )
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert len(given) > 10
    assert given <= set(told.split()), given - set(told.split())


def test_every_secret_is_declared_made_and_used(tmp_path: Path) -> None:
    project = tmp_path / "project"
    shutil.copytree(PROJECT_DIR / "deploy", project / "deploy")
    made = subprocess.run([project / "deploy" / "make_secrets.sh"], capture_output=True, text=True, check=True)
    files = {file.name: file for file in (project / "secrets").iterdir()}
    declared = yaml.safe_load(COMPOSE)["secrets"]
    assert set(files) == set(declared)
    assert {entry["file"] for entry in declared.values()} == {f"./secrets/{name}" for name in files}
    assert set(declared) == {name for service in SERVICES.values() for name in service.get("secrets", ())}
    assert set(re.findall(r"/run/secrets/(\w+)", COMPOSE)) <= set(declared)
    assert len({file.read_text() for file in files.values()}) == len(files)
    assert stat.S_IMODE((project / "secrets").stat().st_mode) == 0o700
    assert not any(secret in made.stdout for file in files.values() if (secret := file.read_text().strip()))
    # a second time nothing changes
    before = {name: file.read_bytes() for name, file in files.items()}
    (project / "secrets" / "redis_password").unlink()
    again = subprocess.run([project / "deploy" / "make_secrets.sh"], capture_output=True, text=True, check=True)
    assert again.stdout.split() == ["secrets/redis_password"]
    assert {name: file.read_bytes() for name, file in files.items() if name != "redis_password"} == {
        name: content for name, content in before.items() if name != "redis_password"
    }


def test_every_account_of_airflow_has_its_role_and_a_password_of_its_own_that_nobody_could_guess() -> None:
    """Accounts and roles are of a manager that keeps any; each password is a secret that make_secrets.sh draws."""
    script = (PROJECT_DIR / "deploy" / "set_up.sh").read_text(encoding="utf-8")
    assert re.findall(r"^account (\w+) (\w+)$", script, re.MULTILINE) == [
        ("admin", "Admin"),
        ("operator", "Op"),
        ("viewer", "Viewer"),
    ]
    assert re.findall(r'--password (".*")', script) == ['"$(cat "/run/secrets/airflow_$1_password")"']
    for name in ("admin", "operator", "viewer"):
        assert f"airflow_{name}_password" in SERVICES["set-up"]["secrets"]
        # who only runs tasks needs no password of the page
        assert all(
            f"airflow_{name}_password" not in OURS[other].get("secrets", ()) for other in OURS if other != "set-up"
        )
    auth = {service.get("environment", {}).get("AIRFLOW__CORE__AUTH_MANAGER") for service in OURS.values()}
    assert auth - {None} == {"airflow.providers.fab.auth_manager.fab_auth_manager.FabAuthManager"}
    literal = [key for service in SERVICES.values() for key in service.get("environment", {}) if "PASSWORD" in key]
    assert literal == ["POSTGRES_PASSWORD_FILE"]


def test_every_command_of_a_container_exists() -> None:
    scripts = Path(sys.executable).parent
    programs = {service["command"][0] for service in OURS.values()}
    copied = dict(re.findall(r"COPY (deploy/\S+) /opt/npl/bin/(\S+)", DOCKERFILE))
    assert programs == {"airflow", "npl", "npl-set-up"}
    assert {"npl-set-up"} == set(copied.values())
    assert "COPY deploy/healthy.py /opt/npl/healthy.py" in DOCKERFILE
    assert all(os.access(PROJECT_DIR / source, os.X_OK) for source in copied)
    for program in programs - set(copied.values()):
        assert (scripts / program).exists()
    subcommands = {tuple(service["command"][:2]) for service in OURS.values() if service["command"][0] == "airflow"}
    assert ("airflow", "celery") in subcommands
    told = subprocess.run([scripts / "airflow", "--help"], capture_output=True, text=True, check=True).stdout
    assert all(re.search(rf"^ +{command[1]}\b", told, re.MULTILINE) for command in subcommands)
    subprocess.run([scripts / "npl", "sftp", "--help"], capture_output=True, check=True)


def test_the_image_holds_every_folder_that_it_copies_and_every_one_that_the_program_reads() -> None:
    copied = {
        source
        for line in re.findall(r"^COPY (?!--from)(.+)$", DOCKERFILE, re.MULTILINE)
        for source in line.split()[:-1]
    }
    assert all((PROJECT_DIR / source).exists() for source in copied)
    assert {"expectations", "ingest", "dags", "dbt_project", "CITATION.cff", "docs/handbook"} <= copied


@pytest.mark.parametrize("name", list(OURS))
def test_our_containers_run_with_nothing_that_they_do_not_need(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["mem_limit"]
    assert "USER npl" in DOCKERFILE
    assert not any("docker.sock" in volume for volume in service.get("volumes", ()))


@pytest.mark.parametrize("name", [name for name in SERVICES if name not in ("set-up", "cli")])
def test_everything_that_stays_up_is_watched_and_comes_back(name: str) -> None:
    assert SERVICES[name]["healthcheck"]["test"]
    assert SERVICES[name]["restart"] == "unless-stopped"


def test_who_serves_sftp_sees_no_key_of_the_log_and_writes_no_answer() -> None:
    volumes = SERVICES["sftp"]["volumes"]
    assert "outbox:/var/lib/npl/outbox:ro" in volumes
    assert not any(volume.split(":")[0] in ("keys", "home", "airflow-logs") for volume in volumes)
    assert "secrets" not in SERVICES["sftp"]


def test_the_compose_file_is_valid_for_the_oldest_docker_compose(tmp_path: Path) -> None:
    found = shutil.which("docker-compose")
    if not found:
        install_debian("docker-compose")
        found = "docker-compose"
    shutil.copy(PROJECT_DIR / "docker-compose.yml", tmp_path)
    shutil.copy(PROJECT_DIR / ".env.example", tmp_path / ".env")
    command = [found, "--profile", "celery", "--profile", "s3", "--profile", "tools", "config"]
    told = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert set(yaml.safe_load(told.stdout)["services"]) == set(SERVICES)


def test_the_image_takes_the_locks_own_entries_and_no_test_tools() -> None:
    lock = PROJECT_DIR / "requirements.lock"
    script = PROJECT_DIR / "deploy" / "subset_lock.py"

    def subset(*names: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, str(script), "/dev/stdin", str(lock)],
            input="\n".join(names),
            capture_output=True,
            text=True,
            check=False,
        )

    told = subset("duckdb==2.0.1", "psycopg==3").stdout
    assert re.findall(r"^(\S+?)==", told, re.MULTILINE) == ["duckdb", "psycopg"]
    assert "--hash=sha256:" in told
    assert told.splitlines()[0] in lock.read_text(encoding="utf-8").splitlines()
    assert subset("no-such-package==1").returncode != 0

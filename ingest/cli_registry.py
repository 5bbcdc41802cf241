"""`npl registry`: the revision of the registry's tables."""

import typer

registry_app = typer.Typer(no_args_is_help=True, help="登记库 · the registry")


@registry_app.command("upgrade")
def upgrade() -> None:
    """升级登记库到本程序的版本（先备份）· Bring the registry to this program's revision (back it up first)."""
    from ingest import registry

    before, after = registry.upgrade()
    if before == after:
        typer.echo(f"登记库已是版本 {after}，无需升级。\nThe registry is at revision {after} already.")
    else:
        typer.echo(f"登记库：{before or '空'} -> {after}\nThe registry: {before or 'empty'} -> {after}")


@registry_app.command("show")
def show() -> None:
    """登记库与程序的版本 · The revisions of the registry and of this program."""
    from ingest import migrations, registry

    typer.echo(f"登记库 registry: {registry.revision() or '空 empty'}\n程序 program: {migrations.head()}")

"""keyring: the own key, and the keys of those who may read."""

from typing import TYPE_CHECKING, BinaryIO

import click

from camalert import cli

if TYPE_CHECKING:
    from camalert.trust.keyring import Keyring

address_option = click.option("--address", metavar="ADDRESS", help="The address it is for.")
replace_option = click.option("--replace", is_flag=True, help="Put it in place of another key.")


@cli.group(example="keyring make --address camera@example.org\nkeyring import owner.vcf")
def main(settings: cli.Settings) -> None:
    """Make the camera's own key, and keep those of the people it writes to."""


@main.command()
@address_option
@replace_option
@click.pass_obj
def make(settings: cli.Settings, address: str | None, replace: bool) -> None:
    """Make the camera's own key and show its fingerprint.

    Without --address it is for mail.address of the config. Contacts know the camera by this key: a
    new one needs a new pairing. So keep a backup: camalert keyring export --secret.
    """
    from datetime import UTC, datetime

    from camalert.errors import BadConfig

    address = address or settings.config.mail.address
    if not address:
        raise BadConfig("mail.address", "not set", "set it or give --address")
    own = _keyring(settings).make(address, datetime.now(UTC), replace=replace)
    click.echo(own.fingerprint)


@main.command("import")
@click.argument("file", type=click.File("rb"))
@address_option
@replace_option
@click.option("--secret", is_flag=True, help="Restore the camera's own key from a backup.")
@click.pass_obj
def import_(
    settings: cli.Settings, file: BinaryIO, address: str | None, replace: bool, secret: bool
) -> None:
    """Keep the key in FILE (- for standard input) and show whose it is.

    FILE holds an OpenPGP key, armored or binary, a contact's vCard as Delta Chat shares it, or an
    Autocrypt header. A key that is expired, revoked, not bound, too weak or has no subkey to
    encrypt for is refused.
    """
    from datetime import UTC, datetime

    from camalert.errors import BadData
    from camalert.trust.keyring import inspect
    from camalert.trust.transfer import LARGEST

    if file.fileno() == 0:
        cli.input_expected("a key")
    name = "standard input" if file.name == "<stdin>" else file.name
    try:
        found = inspect(file.read(LARGEST + 1), datetime.now(UTC))
    except BadData as error:
        raise BadData(name, error.reason, error.next_step) from None
    if found.secret and not secret:
        hint = "import the public one; --secret restores the camera's own"
        raise BadData(name, "is a secret key", hint)
    if secret and not found.secret:
        raise BadData(name, "is not a secret key")
    keyring = _keyring(settings)
    if secret:
        click.echo(keyring.restore(found.raw, replace=replace).fingerprint)
    else:
        addresses = [address] if address else []
        click.echo(keyring.add(found, addresses=addresses, replace=replace))


@main.command()
@click.option("-o", "--output", default="-", metavar="FILE", help="Write it there (mode 0600).")
@click.option("--vcard", is_flag=True, help="As a contact for Delta Chat to import.")
@click.option("--secret", is_flag=True, help="The secret key, as a backup.")
@click.pass_obj
def export(settings: cli.Settings, output: str, vcard: bool, secret: bool) -> None:
    """Write the camera's own public key, armored."""
    from pathlib import Path

    from camalert import durable
    from camalert.errors import BadConfig, BadUsage
    from camalert.trust import transfer
    from camalert.trust.armor import armor

    if secret and vcard:
        raise BadUsage("--vcard", "is for others, and --secret for nobody else")
    mail, own = settings.config.mail, _keyring(settings).own()
    if vcard and not mail.address:
        raise BadConfig("mail.address", "not set, and a contact has one")
    if vcard:
        data = transfer.vcard(mail.address, mail.name, own.public)
    elif secret:
        data = armor(own.secret, "PRIVATE KEY BLOCK")
    else:
        data = armor(own.public, "PUBLIC KEY BLOCK")
    if output == "-":
        cli.write_all(data)
    else:
        durable.replace(Path(output), data)


@main.command("list")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@click.pass_obj
def list_(settings: cli.Settings, as_json: bool) -> None:
    """Show the keys: whose, and whether they can be used."""
    import json
    from datetime import UTC, datetime

    rows = list(_keyring(settings).listing(datetime.now(UTC)))
    if not rows:
        cli.log.info("no keys yet; camalert keyring make, camalert keyring import FILE")
    for row in rows:
        if as_json:
            click.echo(json.dumps(row))
            continue
        who, addresses = "own" if row["own"] else "peer", ", ".join(row["addresses"])
        click.echo(f"{who:4}  {row['fingerprint']}  {addresses}  {row['problem'] or 'good'}")


@main.command()
@click.argument("name", metavar="ADDRESS|FINGERPRINT")
@click.option("-n", "--dry-run", is_flag=True, help="Only show what would be removed.")
@click.pass_obj
def forget(settings: cli.Settings, name: str, dry_run: bool) -> None:
    """Remove somebody's key. The status is 1 where there is none."""
    gone = _keyring(settings).forget(name, dry_run=dry_run)
    for peer in gone:
        click.echo(f"{'would forget' if dry_run else 'forgot'} {peer}")
    if not gone:
        cli.log.error("%s: no such key", name)
        raise SystemExit(1)


def _keyring(settings: cli.Settings) -> "Keyring":
    from camalert.trust.keyring import Keyring

    return Keyring(settings.config.folder("state", "keys"))

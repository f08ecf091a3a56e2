"""decrypt-autocrypt: open an encrypted message and say who signed it."""

import click

from camalert import cli


@cli.command(example="decrypt-autocrypt < letter.eml")
@click.option("--unverified", is_flag=True, help="Write it even where nobody known has signed it.")
def main(settings: cli.Settings, unverified: bool) -> None:
    """Decrypt a message and check who has signed it.

    Reads an encrypted message (RFC 5322) on standard input and writes what is inside, with its own
    headers; who has signed it goes to standard error. Without one valid signature by a key of the
    keyring nothing is written and the exit status is 1.
    """
    from datetime import UTC, datetime

    from camalert.trust import autocrypt
    from camalert.trust.keyring import Keyring

    cli.input_expected("an encrypted message")
    keyring = Keyring(settings.config.folder("state", "keys"))
    message = cli.read_all(b"", autocrypt.LARGEST)
    opened = autocrypt.decrypt(message, keyring, datetime.now(UTC))
    if opened.problem is None:
        cli.log.info("signed by %s", keyring.find(opened.signer or ""))
    else:
        cli.log.error("not verified: %s", opened.problem)
    if opened.problem is None or unverified:
        cli.write_all(opened.entity)
    if opened.problem is not None:
        raise SystemExit(1)

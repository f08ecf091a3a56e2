"""OpenPGP, Autocrypt and the keyring."""

"""The contract as something that other teams' tests can lean on: a pytest plugin (docs/ci-contract-tests.md).

`plugin` is what pytest loads, and imports nothing but pytest. `rows` lists the catalogue for parametrised tests.
Whatever is started runs in child processes (`child`) that end with the process which started them, however it ended.
"""

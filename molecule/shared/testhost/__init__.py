"""Test hosts: Debian containers with systemd as PID 1, for the local inventory and for Molecule.

Only the standard library is used, so that the harness runs before anything is installed.
"""

# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This fragment is private to the collection and may change at any time.

from __future__ import annotations


class ModuleDocFragment:
    """Options that say how to talk to an HTTP service."""

    DOCUMENTATION = r"""
options:
  url:
    description:
      - Base URL of the service, without a path of the API.
    type: str
    default: http://127.0.0.1:4000
  validate_certs:
    description:
      - Whether the server's TLS certificate is verified.
    type: bool
    default: true
  ca_path:
    description:
      - File with the certificates of the authorities that may have signed the server's certificate.
      - Without it the operating system's authorities are trusted.
    type: path
  client_cert:
    description:
      - File with the client certificate, and its key unless O(client_key) names another file.
    type: path
  client_key:
    description:
      - File with the secret key of O(client_cert).
    type: path
  use_proxy:
    description:
      - Whether the HTTP proxy named in the host's environment is used.
    type: bool
    default: false
"""

    REQUEST_TIMEOUT = r"""
options:
  request_timeout:
    description:
      - Seconds one request may take from connecting to the last byte of the answer.
    type: float
    default: 10
"""

# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This code is private to the collection and may change at any time.

from __future__ import annotations

from ansible_collections.hx.gateway.plugins.module_utils._litellm.kinds.access_group import ACCESS_GROUP
from ansible_collections.hx.gateway.plugins.module_utils._litellm.kinds.budget import BUDGET
from ansible_collections.hx.gateway.plugins.module_utils._litellm.kinds.credential import CREDENTIAL
from ansible_collections.hx.gateway.plugins.module_utils._litellm.kinds.fallback import FALLBACK
from ansible_collections.hx.gateway.plugins.module_utils._litellm.kinds.guardrail import GUARDRAIL
from ansible_collections.hx.gateway.plugins.module_utils._litellm.kinds.key import KEY
from ansible_collections.hx.gateway.plugins.module_utils._litellm.kinds.mcp_server import MCP_SERVER
from ansible_collections.hx.gateway.plugins.module_utils._litellm.kinds.model import MODEL
from ansible_collections.hx.gateway.plugins.module_utils._litellm.kinds.organization import ORGANIZATION
from ansible_collections.hx.gateway.plugins.module_utils._litellm.kinds.prompt import PROMPT
from ansible_collections.hx.gateway.plugins.module_utils._litellm.kinds.tag import TAG
from ansible_collections.hx.gateway.plugins.module_utils._litellm.kinds.team import TEAM
from ansible_collections.hx.gateway.plugins.module_utils._litellm.kinds.team_member import TEAM_MEMBER
from ansible_collections.hx.gateway.plugins.module_utils._litellm.kinds.user import USER
from ansible_collections.hx.gateway.plugins.module_utils._litellm.kinds.vector_store import VECTOR_STORE
from ansible_collections.hx.gateway.plugins.module_utils._litellm.resource import Resource

# In the order in which they need each other: what refers to another stands behind it.
KINDS: tuple[Resource, ...] = (
    CREDENTIAL,
    MODEL,
    BUDGET,
    TAG,
    MCP_SERVER,
    VECTOR_STORE,
    GUARDRAIL,
    PROMPT,
    ORGANIZATION,
    USER,
    TEAM,
    TEAM_MEMBER,
    KEY,
    ACCESS_GROUP,
    FALLBACK,
)

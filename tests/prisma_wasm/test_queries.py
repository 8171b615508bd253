# Copyright (c) hx.gateway contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json

from ansible_collections.hx.gateway.tests.prisma_wasm.support.engine import QueryEngine

FIELDS = "id name count big ratio exact flag at data blob tags numbers kind ownerId"


def create(engine: QueryEngine, data: str, fields: str = FIELDS) -> dict[str, object]:
    result = engine.query(f"mutation {{ result: createOneItem(data: {{{data}}}) {{ {fields} }} }}").result
    assert isinstance(result, dict)
    return result


def test_every_type_comes_back_as_it_went_in(engine: QueryEngine) -> None:
    item = create(
        engine,
        'name: "types", count: -3, big: 9223372036854775807, ratio: 0.1, exact: "12345678901234567890.123456789",'
        ' flag: true, at: "2026-01-31T12:34:56.789Z", data: "{\\"a\\": [1, null, \\"x\\"]}", blob: "AAEC/w==",'
        ' tags: ["a,b", "c\\"d", ""],'
        " numbers: [1, -2], kind: LARGE",
    )
    assert len(str(item.pop("id"))) == 36
    assert json.loads(str(item.pop("data"))) == {"a": [1, None, "x"]}
    assert item == {
        "name": "types",
        "count": -3,
        "big": "9223372036854775807",
        "ratio": 0.1,
        "exact": "12345678901234567890.123456789",
        "flag": True,
        "at": "2026-01-31T12:34:56.789Z",
        "blob": "AAEC/w==",
        "tags": ["a,b", 'c"d', ""],
        "numbers": [1, -2],
        "kind": "LARGE",
        "ownerId": None,
    }


def test_nothing_comes_back_as_null(engine: QueryEngine) -> None:
    item = create(engine, 'name: "nothing"')
    assert {name for name, value in item.items() if value is None} == {
        *("big", "ratio", "exact", "flag", "at", "data", "blob", "kind", "ownerId")
    }
    assert item["tags"] == item["numbers"] == []


def test_texts_survive(engine: QueryEngine) -> None:
    text = 'quote " backslash \\ newline \n tab \t é 漢字 🎈 $1 %s'
    name = json.dumps(text, ensure_ascii=False)
    assert create(engine, f"name: {name}", "name")["name"] == text
    found = engine.query(f"query {{ result: findUniqueItem(where: {{name: {name}}}) {{ name }} }}").result
    assert found == {"name": text}


def test_json_is_json_wherever_it_stands(engine: QueryEngine) -> None:
    create(engine, 'name: "json", data: "{\\"user\\": {\\"id\\": 7}, \\"list\\": []}"')
    for condition in (
        'data: {path: ["user", "id"], equals: "7"}',
        'data: {equals: "{\\"user\\": {\\"id\\": 7}, \\"list\\": []}"}',
        'AND: [{data: {path: ["user"], not: "null"}}, {name: {equals: "json"}}]',
    ):
        found = engine.query(f"query {{ result: findManyItem(where: {{{condition}}}) {{ name }} }}").result
        assert found == [{"name": "json"}], condition
    query = 'mutation { result: updateOneItem(where: {name: "json"}, data: {data: "[\\"text\\", 1]"}) { data } }'
    assert json.loads(engine.query(query).result["data"]) == ["text", 1]
    assert engine.value('SELECT jsonb_typeof("data") FROM "Item" WHERE name = $1', "json") == ("string", "array")
    query = 'mutation { result: updateOneItem(where: {name: "json"}, data: {data: DbNull}) { data } }'
    assert engine.query(query).result == {"data": None}


def test_relations_in_both_directions(engine: QueryEngine) -> None:
    owner = engine.query(
        'mutation { result: createOneOwner(data: {email: "a@b.c", notes: "{\\"k\\": \\"v\\"}",'
        ' items: {create: [{name: "one", data: "{}"}, {name: "two"}]}})'
        ' { id notes items(where: {name: {in: ["one", "two"]}}, orderBy: [{name: desc}], take: 1)'
        " { name owner { email } } } }"
    ).result
    assert json.loads(owner["notes"]) == {"k": "v"}
    assert owner["items"] == [{"name": "two", "owner": {"email": "a@b.c"}}]
    counted = engine.query(
        'query { result: findFirstOwner(where: {items: {some: {name: "one"}}}) { _count { items } } }'
    )
    assert counted.result == {"_count": {"items": 2}}


def test_many_at_once(engine: QueryEngine) -> None:
    data = ", ".join(f'{{name: "many{number}", count: {number}}}' for number in range(300))
    created = engine.query(f"mutation {{ result: createManyItem(data: [{data}], skipDuplicates: true) {{ count }} }}")
    assert created.result == {"count": 300}
    again = engine.query(f"mutation {{ result: createManyItem(data: [{data}], skipDuplicates: true) {{ count }} }}")
    assert again.result == {"count": 0}
    condition = 'where: {name: {startsWith: "many"}}'
    summed = engine.query(
        f"query {{ result: aggregateItem({condition}) {{ _sum {{ count }} _count {{ _all }} }} }}"
    ).result
    assert summed == {"_sum": {"count": 44850}, "_count": {"_all": 300}}
    grouped = engine.query(
        f"query {{ result: groupByItem(by: [kind], {condition}, orderBy: [{{kind: asc}}])"
        " { kind _max { count } } }"
    ).result
    assert grouped == [{"kind": None, "_max": {"count": 299}}]
    updated = engine.query(
        f"mutation {{ result: updateManyItem({condition}, data: {{count: {{increment: 1}}}}) {{ count }} }}"
    )
    assert updated.result == {"count": 300}
    assert engine.query(f"mutation {{ result: deleteManyItem({condition}) {{ count }} }}").result == {"count": 300}


def test_upsert(engine: QueryEngine) -> None:
    query = (
        'mutation { result: upsertOneItem(where: {name: "upsert"}, create: {name: "upsert", count: 1},'
        " update: {count: {increment: 10}}) { count } }"
    )
    assert [engine.query(query).result["count"] for _ in range(2)] == [1, 11]


def test_variables(engine: QueryEngine) -> None:
    create(engine, 'name: "variable"')
    query = "query ($name: String!) { result: findUniqueItem(where: {name: $name}) { name } }"
    assert engine.query(query, name="variable").result == {"name": "variable"}
    assert "is not given" in engine.query(query).error["message"]


def test_unique_violation(engine: QueryEngine) -> None:
    create(engine, 'name: "unique"')
    error = engine.query('mutation { result: createOneItem(data: {name: "unique"}) { id } }').error
    assert (error["error_code"], error["meta"]["target"]) == ("P2002", ["name"])


def test_other_errors_have_their_codes(engine: QueryEngine) -> None:
    missing = engine.query('mutation { result: updateOneItem(where: {name: "no such"}, data: {count: 1}) { id } }')
    assert missing.error["error_code"] == "P2025"
    dangling = engine.query(
        'mutation { result: createOneItem(data: {name: "dangling", owner: {connect: {id: 424242}}}) { id } }'
    )
    assert dangling.error["error_code"] == "P2025"
    unknown = engine.query("query { result: findManyItem { nonsense } }").error
    assert (unknown["error_code"], unknown["meta"]["kind"]) == ("P2009", "UnknownSelectionField")
    assert engine.query("query { result: findManyNothing { id } }").error["error_code"] == "P2009"
    assert engine.query("query { result: ").error["error_code"] == "P2009"
    assert engine.request("POST", "/", b"no json").error["error_code"] == "P2009"


def test_batch_is_all_or_nothing(engine: QueryEngine) -> None:
    good = 'mutation { result: createOneItem(data: {name: "batch"}) { name } }'
    answer = engine.batch(good, 'query { result: findUniqueItem(where: {name: "batch"}) { count } }')
    assert [part["data"]["result"] for part in answer.body["batchResult"]] == [{"name": "batch"}, {"count": 0}]
    answer = engine.batch('mutation { result: createOneItem(data: {name: "undone"}) { name } }', good)
    assert answer.error["error_code"] == "P2002"
    assert engine.query('query { result: findUniqueItem(where: {name: "undone"}) { name } }').result is None


def test_metrics(engine: QueryEngine) -> None:
    metrics = engine.request("GET", "/metrics?format=json").body
    gauges = {gauge["key"]: gauge["value"] for gauge in metrics["gauges"]}
    assert gauges["prisma_pool_connections_limit"] == 4
    assert 0 < gauges["prisma_pool_connections_open"] <= 4
    assert "prisma_client_queries_total" in engine.request("GET", "/metrics?format=prometheus").body


def test_other_addresses_are_not_found(engine: QueryEngine) -> None:
    assert engine.request("GET", "/").status == 404
    assert engine.request("POST", "/transaction/../commit").status == 404

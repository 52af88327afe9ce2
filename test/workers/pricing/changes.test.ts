import { env } from "cloudflare:workers";
import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { changedDocumentAnswerSchema, configChangesAnswerSchema } from "../../../contract/admin.ts";
import { SHIPPED } from "../../../workers/pricing/documents.ts";
import { migrate } from "./migrate.ts";
import { World } from "./world.ts";

beforeAll(migrate);

let world: World;
beforeEach(async () => {
  await env.DB.exec("DELETE FROM config_changes");
  world = new World();
});

const list = async (query = "") =>
  configChangesAnswerSchema.parse(
    await (await world.fetch(`/admin/v1/changes?${query}`, { key: "admin" })).json(),
  );
const read = async (id: number) =>
  changedDocumentAnswerSchema.parse(
    await (await world.fetch(`/admin/v1/changes/${id}`, { key: "admin" })).json(),
  );
async function publish(what: "rules" | "regions", document: unknown): Promise<void> {
  const response = await world.send("PUT", `/admin/v1/${what}`, document, "admin");
  if (response.status !== 200) throw new Error(await response.text());
}
/** The shipped rules under another name of their first layer. */
function rulesNamed(name: string): unknown {
  const rules = structuredClone(SHIPPED.rules.json) as { rules: { name: string }[] };
  const [first] = rules.rules;
  if (first) first.name = name;
  return rules;
}

describe("the audit of changes", () => {
  it("shows who changed what and when, by kind, key and time, a page at a time", async () => {
    await publish("regions", SHIPPED.regions.document);
    for (const name of ["a", "b", "c"]) await publish("rules", rulesNamed(name));
    const { changes } = await list();
    expect(changes.map(({ what }) => what)).toEqual(["rules", "rules", "rules", "regions"]);
    expect(changes[0]).toMatchObject({
      ...{ changed_by: "key_admin", applied: true, before: changes[1]?.after },
    });
    expect((await list("what=regions")).changes).toHaveLength(1);
    expect((await list("changed_by=key_other")).changes).toEqual([]);
    expect((await list("until=2020-01-01T00:00:00Z")).changes).toEqual([]);
    const first = await list("what=rules&limit=2");
    const second = await list(`what=rules&limit=2&after=${first.next}`);
    const seen = [...first.changes, ...second.changes].map(({ id }) => id);
    expect(seen).toEqual(changes.slice(0, 3).map(({ id }) => id));
    expect(second.next).toBeNull();
  });

  it("shows the documents before and after a change, and what makes one of the other", async () => {
    await publish("rules", rulesNamed("a"));
    await publish("rules", rulesNamed("b"));
    const [latest, earliest] = (await list()).changes;
    expect(await read(latest?.id ?? 0)).toMatchObject({
      what: "rules",
      document_before: rulesNamed("a"),
      document_after: rulesNamed("b"),
      patch: [{ op: "replace", path: "/rules/0/name", value: "b" }],
    });
    expect(await read(earliest?.id ?? 0)).toMatchObject({
      ...{ before: null, document_before: null, patch: null },
      document_after: rulesNamed("a"),
    });
  });

  it.each([
    ["/admin/v1/changes/999999", 404, "unknown_change"],
    ["/admin/v1/changes/first", 422, "invalid_request"],
    ["/admin/v1/changes?what=weather", 422, "invalid_request"],
    ["/admin/v1/changes?after=0", 422, "invalid_request"],
  ])("answers %s with a problem", async (path, status, type) => {
    const response = await world.fetch(path, { key: "admin" });
    expect(response.status).toBe(status);
    expect(await response.json()).toMatchObject({ type: `/docs/problems#${type}` });
  });

  it("answers 503 while what holds a document is down", async () => {
    await publish("rules", rulesNamed("a"));
    const [change] = (await list()).changes;
    world.set("fails", "kv");
    const response = await world.fetch(`/admin/v1/changes/${change?.id}`, { key: "admin" });
    expect(response.status).toBe(503);
  });
});

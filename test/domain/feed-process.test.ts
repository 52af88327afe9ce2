import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { eventSchema, type ParsedEvent } from "../../contract/events.ts";
import { MINUTE_MS } from "../../domain/units.ts";
import { FEED_CONFIGURATION_VARIABLE } from "../../local/feed/configuration.ts";
import { type Receiver, startReceiver } from "./feed-receiver.ts";

const clockStartAt = Date.UTC(2014, 4, 19, 20);
const entry = new URL("../../local/feed/index.ts", import.meta.url);

describe("the feed as a process", { timeout: 30_000 }, () => {
  let folder: string;
  let receiver: Receiver;
  let received: ParsedEvent[];
  let children: ChildProcess[];

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "feed-"));
    received = [];
    children = [];
    receiver = await startReceiver((_, response, body) => {
      const { events } = JSON.parse(body);
      received.push(...eventSchema.array().parse(events));
      response.writeHead(202).end(JSON.stringify({ accepted: events.length, rejected: [] }));
    });
  });

  afterEach(async () => {
    for (const child of children) child.kill("SIGKILL");
    receiver.close();
    await rm(folder, { recursive: true });
  });

  /** Ten minutes of event time lie behind the clock already, so there is plenty to send at once. */
  function startFeed(): ChildProcess {
    const configuration = {
      ingestUrl: receiver.url,
      ingestKey: "key",
      demo: {
        name: "nyc",
        clock: { wallAt: Date.now() - 10_000, eventAt: clockStartAt, speed: 60 },
      },
      cursorFile: join(folder, "cursor.json"),
      seed: 1,
    };
    const child = fork(entry, {
      env: { ...process.env, [FEED_CONFIGURATION_VARIABLE]: JSON.stringify(configuration) },
      stdio: ["ignore", "ignore", "pipe", "ipc"],
    });
    children.push(child);
    return child;
  }

  const sentAtLeast = (count: number) =>
    expect.poll(() => received.length, { timeout: 15_000 }).toBeGreaterThan(count);

  test("plays from where windows still take it, ends on SIGTERM, and a new one carries on", async () => {
    const first = startFeed();
    await sentAtLeast(1_500);
    first.kill("SIGTERM");
    expect(await once(first, "exit")).toEqual([0, null]);
    const { startAt, nextAt } = JSON.parse(await readFile(join(folder, "cursor.json"), "utf8"));
    expect(startAt).toBeGreaterThanOrEqual(clockStartAt + 6 * MINUTE_MS);
    expect(received[0]?.timestamp).toBe(startAt);

    const before = received.length;
    const second = startFeed();
    await sentAtLeast(before + 100);
    second.kill("SIGTERM");
    await once(second, "exit");
    expect(received[before]?.timestamp).toBeLessThan(nextAt + MINUTE_MS);
    const keys = received.map((event) => `${event.region_id} ${event.idempotency_key}`);
    expect(received.map((event) => event.timestamp)).toEqual(
      received.map((event) => event.timestamp).sort((a, b) => a - b),
    );
    expect(new Set(keys).size).toBe(keys.length);
  });

  test("ends by itself when its parent is gone", async () => {
    const child = startFeed();
    await sentAtLeast(10);
    child.disconnect();
    expect(await once(child, "exit")).toEqual([0, null]);
  });

  test("says what is wrong with a cursor file that is none", async () => {
    await writeFile(join(folder, "cursor.json"), "{}");
    const child = startFeed();
    let complaint = "";
    child.stderr?.on("data", (chunk) => {
      complaint += chunk;
    });
    const [code] = await once(child, "close");
    expect(code).not.toBe(0);
    expect(complaint).toContain("cursor.json does not hold a feed cursor");
    expect(received).toEqual([]);
  });
});

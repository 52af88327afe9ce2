import { expect, test } from "vitest";
import { randomUuid } from "../../../sdk/src/platform.ts";

const UUID_V4 = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

test("keys are version 4 UUIDs, also where the platform makes none itself", () => {
  const getRandomValues = (bytes: Uint8Array<ArrayBuffer>) => crypto.getRandomValues(bytes);
  const made = Array.from({ length: 200 }, () => [randomUuid(), randomUuid({ getRandomValues })]);
  for (const key of made.flat()) expect(key).toMatch(UUID_V4);
  expect(new Set(made.flat()).size).toBe(400);
});

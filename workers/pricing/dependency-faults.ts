/**
 * Dependencies that fail, hang or dawdle on purpose: how a test shows that prices go on without them.
 *
 * Bound by whoever runs the local stack with `--var pricing.FAULTS=on-request`; no wrangler.toml declares it. Without it bindings are
 * what they are, and the address below is nobody's.
 */
import * as z from "zod";

/** PUT here says what is to go wrong from now on. */
const CONTROL_PATH = "/faults";
const ON_REQUEST = "on-request";
/** Longer than anybody waits. */
const HANG_MS = 60_000;

export const FAULTY = [
  "regions",
  "cache",
  "kv",
  "r2",
  "d1",
  "queue",
  "limits",
  "ingest",
  "quotes",
] as const;
export type Faulty = (typeof FAULTY)[number];

const modeSchema = z.union([
  z.enum(["fails", "hangs"]),
  z.strictObject({ slow_ms: z.int().min(1).max(HANG_MS) }),
]);
export type FaultMode = z.infer<typeof modeSchema>;

const controlSchema = z.strictObject({
  /** Those that are not named work. */
  modes: z.partialRecord(z.enum(FAULTY), modeSchema),
  /** Forgets all that is in memory, as a new isolate would. */
  cold: z.boolean().default(false),
});

const BINDINGS: Record<string, Faulty> = {
  REGIONS: "regions",
  CONFIG: "kv",
  MODELS: "r2",
  EVENT_LOG: "r2",
  DB: "d1",
  DECISIONS: "queue",
  LIMITS: "limits",
  INGEST: "ingest",
  QUOTES: "quotes",
};

/** Methods of bindings that ask nobody, and give what does. */
const MAKES_ANOTHER = new Set(["getByName", "prepare", "bind"]);

export interface DependencyFaults {
  /** The bindings, each of which does as it was told. */
  on<Env extends object>(env: Env): Env;
  over<Port extends object>(name: Faulty, port: Port): Port;
  /** The answer when a request tells what is to go wrong, else null. `forget` makes the isolate a new one. */
  control(request: Request, forget: () => void): Promise<Response> | null;
}

/** Null unless the variable says so. */
export function dependencyFaultsFrom(variable: string | undefined): DependencyFaults | null {
  if (variable === undefined) return null;
  if (variable !== ON_REQUEST) throw new TypeError(`FAULTS is "${variable}", not "${ON_REQUEST}"`);
  let modes: Partial<Record<Faulty, FaultMode>> = {};

  async function ask<Value>(name: Faulty, work: () => Promise<Value>): Promise<Value> {
    const mode = modes[name];
    if (mode === undefined) return work();
    if (mode === "fails") throw new Error(`${name} fails on purpose`);
    await new Promise((resolve) => setTimeout(resolve, mode === "hangs" ? HANG_MS : mode.slow_ms));
    if (mode === "hangs") throw new Error(`${name} hung on purpose`);
    return work();
  }

  function over<Port extends object>(name: Faulty, port: Port): Port {
    return new Proxy(port, {
      get(target, key) {
        const value: unknown = Reflect.get(target, key);
        if (typeof value !== "function") return value;
        return MAKES_ANOTHER.has(String(key))
          ? (...args: unknown[]) => over(name, Reflect.apply(value, target, args))
          : (...args: unknown[]) => ask(name, () => Reflect.apply(value, target, args));
      },
    });
  }

  return {
    over,
    on(env) {
      return new Proxy(env, {
        get(target, key) {
          const binding: unknown = Reflect.get(target, key);
          const name = BINDINGS[String(key)];
          return name && typeof binding === "object" && binding !== null
            ? over(name, binding)
            : binding;
        },
      });
    },
    control(request, forget) {
      if (request.method !== "PUT" || new URL(request.url).pathname !== CONTROL_PATH) return null;
      return request.json().then((json) => {
        const told = controlSchema.parse(json);
        modes = told.modes;
        if (told.cold) forget();
        return new Response(null, { status: 204 });
      });
    },
  };
}

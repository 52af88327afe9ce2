/**
 * Adds to package-lock.json the optional platform packages that the registry did not list when it was written.
 *
 *     node scripts/complete-lockfile.ts     after any npm install that changed the lock file
 *
 * A mirror that does not carry, say, the macOS build of a tool makes npm leave it out of the lock file, and `npm ci` then
 * refuses the lock file everywhere. Version and platform are known without the registry: the parent pins the one, and the
 * package's name says the other.
 */
import { readFileSync, writeFileSync } from "node:fs";

interface LockedPackage {
  version?: string;
  dev?: boolean;
  optional?: boolean;
  os?: string[];
  cpu?: string[];
  libc?: string[];
  optionalDependencies?: Record<string, string>;
}

const FILE = "package-lock.json";
const OS: Record<string, string> = {
  android: "android",
  darwin: "darwin",
  linux: "linux",
  win32: "win32",
  windows: "win32",
};
const CPU: Record<string, string> = {
  x64: "x64",
  "64": "x64",
  arm64: "arm64",
  armv7: "arm",
  wasm32: "wasm32",
};

const lock: { packages: Record<string, LockedPackage> } = JSON.parse(readFileSync(FILE, "utf8"));

/** Where Node would find `name` from the package at `from`; undefined when the lock file has it nowhere. */
function lockedPath(from: string, name: string): string | undefined {
  for (let at = from; ; at = at.slice(0, Math.max(0, at.lastIndexOf("/node_modules/")))) {
    const path = `${at === "" ? "" : `${at}/`}node_modules/${name}`;
    if (lock.packages[path]) return path;
    if (at === "") return undefined;
  }
}

/** `@duckdb/node-bindings-linux-arm64-musl` is for Linux on arm64 with musl. Throws when the name tells no platform. */
function platformOf(name: string): Pick<LockedPackage, "os" | "cpu" | "libc"> {
  const words = name.split(/[-/]/);
  const os = words.map((word) => OS[word]).find((known) => known !== undefined);
  const cpu = words.map((word) => CPU[word]).findLast((known) => known !== undefined);
  // WebAssembly runs on every system, where somebody asks for it by its processor.
  if (cpu === "wasm32") return { cpu: [cpu] };
  if (os === undefined || cpu === undefined) throw new Error(`${name} tells no platform`);
  return { os: [os], cpu: [cpu], ...(words.includes("musl") ? { libc: ["musl"] } : {}) };
}

const missing = Object.entries(lock.packages).flatMap(([path, { dev, optionalDependencies }]) =>
  Object.entries(optionalDependencies ?? {})
    .filter(([name]) => lockedPath(path, name) === undefined)
    .map(([name, version]) => ({ name, version, dev })),
);
for (const { name, version, dev } of missing) {
  lock.packages[`node_modules/${name}`] = {
    version,
    ...(dev ? { dev } : {}),
    optional: true,
    ...platformOf(name),
  };
  console.log(`added ${name} ${version}`);
}
const sorted = Object.entries(lock.packages).sort(([a], [b]) => (a < b ? -1 : 1));
lock.packages = Object.fromEntries(sorted);
writeFileSync(FILE, `${JSON.stringify(lock, null, 2)}\n`);

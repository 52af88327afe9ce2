/**
 * `npm run keys`: makes and replaces the keys that sign quotes and access tokens.
 *
 * The secret goes to standard output, for `wrangler secret put SIGNING_KEYS`, and nowhere else; what is said about it goes to
 * standard error.
 */
import { readFile } from "node:fs/promises";
import { text } from "node:stream/consumers";
import { Command, InvalidArgumentError, Option } from "commander";
import type { SigningJwk } from "../contract/signing-jwk.ts";
import { HOUR_MS } from "../domain/units.ts";
import { makeSigningKey } from "../local/make-signing-key.ts";
import { type Rotation, rotatedKeys } from "../local/rotate-signing-keys.ts";

const algorithm = () =>
  new Option("--alg <name>", "EdDSA (Ed25519) or ES256 (P-256)")
    .choices(["EdDSA", "ES256"])
    .default("EdDSA");

const program = new Command("npm run --silent keys --")
  .description("Makes the SIGNING_KEYS secret; it is printed, and stored nowhere.")
  .showHelpAfterError("(--help lists the options)");

program
  .command("new")
  .description("a first key:  npm run --silent keys -- new | npx wrangler secret put SIGNING_KEYS")
  .addOption(algorithm())
  .action(async ({ alg }: { alg: SigningJwk["alg"] }) => {
    print([await makeSigningKey(alg)]);
  });

program
  .command("rotate")
  .description(
    "a new key that signs from now on, beside the present ones, which verify for a while",
  )
  .addOption(algorithm())
  .requiredOption(
    "--from <source>",
    "the present keys: a file with the secret, - for standard input, or the address of the service's jwks.json",
  )
  .option("--verify-for <hours>", "how long the present keys still verify", hoursFrom, 24)
  .option(
    "--ahead",
    "the new key verifies only, for now: caches learn it before `rotate` without --ahead makes it sign; needs the secret",
    false,
  )
  .action(async ({ alg, from, verifyFor, ahead }: RotateOptions) => {
    const rotation: Rotation = {
      make: () => makeSigningKey(alg),
      now: Date.now(),
      verifyForMs: verifyFor * HOUR_MS,
      ahead,
    };
    print(await rotatedKeys(await sourceText(from), rotation));
  });

interface RotateOptions {
  alg: SigningJwk["alg"];
  from: string;
  verifyFor: number;
  ahead: boolean;
}

function hoursFrom(given: string): number {
  const hours = Number(given);
  if (Number.isFinite(hours) && hours > 0) return hours;
  throw new InvalidArgumentError("Not a number of hours.");
}

async function sourceText(from: string): Promise<string> {
  if (from === "-") return text(process.stdin);
  if (!/^https?:/.test(from)) return readFile(from, "utf8");
  const response = await fetch(from);
  if (!response.ok) throw new Error(`${from} answers ${response.status}`);
  return response.text();
}

function print(keys: readonly SigningJwk[]): void {
  for (const [i, { kid, alg, verify_until }] of keys.entries()) {
    const until = verify_until === undefined ? "" : ` until ${verify_until}`;
    console.error(`${kid} (${alg}) ${i === 0 ? "signs and verifies" : `verifies${until}`}`);
  }
  console.log(JSON.stringify({ keys }));
}

try {
  await program.parseAsync();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}

import { heldPorts } from "./processes.ts";

const FIRST = 9_700;
const LAST = 9_790;
/** One start's worth. */
const WIDTH = 4;

/** The first of four ports in a row that nobody listens on. Throws when there are none. */
export async function freePortRange(): Promise<number> {
  for (let port = FIRST; port <= LAST; port += WIDTH) {
    if ((await heldPorts(portsFrom(port))).length === 0) return port;
  }
  throw new Error(`no four free ports in a row between ${FIRST} and ${LAST}`);
}

/** The ports of a start on `port`. */
export function portsFrom(port: number): number[] {
  return Array.from({ length: WIDTH }, (_, offset) => port + offset);
}

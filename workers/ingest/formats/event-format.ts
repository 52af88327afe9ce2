import type { Problem } from "../../../contract/problem.ts";
import type { EventCandidates } from "../event-candidates.ts";

/** How many bytes may still come out of compressed parts of a body, however many there are and whatever they are nested in. */
export interface InflationRoom {
  bytes: number;
}

/** One way to write events as bytes. Each has a file of its own; choose-format.ts lists them. */
export interface EventFormat {
  /** What metrics call it. */
  readonly name: string;
  /** Content types that announce it; the first is the usual one. */
  readonly mediaTypes: readonly string[];
  /**
   * The events of a body, not yet checked. Never throws on what a client can send, and takes memory in proportion to the
   * bytes there are, not to lengths they announce. `room` is that of the body around it, if there is one.
   */
  read(body: Uint8Array, room?: InflationRoom): EventCandidates | Problem;
}

import type { Problem } from "../../../contract/problem.ts";
import type { EventCandidates } from "../event-candidates.ts";

/** One way to write events as bytes. Each has a file of its own; choose-format.ts lists them. */
export interface EventFormat {
  /** What metrics call it. */
  readonly name: string;
  /** Content types that announce it; the first is the usual one. */
  readonly mediaTypes: readonly string[];
  /**
   * The events of a body, not yet checked. Never throws on what a client can send, and takes memory in proportion to the
   * bytes there are, not to lengths they announce.
   */
  read(body: Uint8Array): EventCandidates | Problem;
}

/** What a queue keeps its unsent events in, so that they outlive a page, a process or an object. */

/** An unsent event. */
export interface StoredEvent {
  /** Unique among all who share a store; sorts by the time of tracking. */
  readonly id: string;
  /** Wall clock, milliseconds. */
  readonly trackedAt: number;
  /** The event as it is sent: JSON, with its idempotency key and timestamp. */
  readonly text: string;
}

/**
 * A store of unsent events that several queues may share (tabs, processes); each event belongs to one of them.
 *
 * A failure rejects. A queue goes on without its store then, from memory, and tells.
 */
export interface EventStore {
  /** False when what is kept ends with the process. */
  readonly isPersistent: boolean;
  /** How often to ask for events to adopt, beyond the once at the start; absent where nobody shares the store. */
  readonly adoptEveryMs?: number;
  /**
   * Events whose owner is gone, from now on the caller's: what an earlier run left behind, or a tab that was closed.
   * May hand over a part; an empty answer says that nothing is left. Where it cannot be known that an owner is gone, an
   * event may be handed to two: both send it, and its key makes that harmless.
   */
  adopt(): Promise<StoredEvent[]>;
  /** Keeps events of the caller. When it resolves they are kept as safely as the store promises. */
  append(events: readonly StoredEvent[]): Promise<void>;
  /** Forgets events by id, whoever owns them. Unknown ids are no error. */
  remove(ids: readonly string[]): Promise<void>;
  /** Gives up what the caller owns: what is still kept waits for the next who adopts. */
  close(): Promise<void>;
}

/** What the stack tells the supervisor over the channel that Node opens between a process and the one it forked. */
import { z } from "zod";

const messageSchema = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("ready") }),
  /** The Workers runtime ended by itself; the stack starts it again. */
  z.object({ kind: z.literal("runtime_ended"), reason: z.string() }),
  z.object({ kind: z.literal("runtime_restarted"), afterMs: z.number() }),
]);
export type ChildMessage = z.infer<typeof messageSchema>;

/** Throws on a message of another shape: both ends are of one version. */
export function parseChildMessage(message: unknown): ChildMessage {
  return messageSchema.parse(message);
}

/** Tells the process that started this one. Without one, or when it is gone, there is nobody to tell. */
export function tellParent(message: ChildMessage): void {
  if (!process.connected) return;
  process.send?.(message, undefined, undefined, () => {
    // It went while the message was on its way; `disconnect` ends this process.
  });
}

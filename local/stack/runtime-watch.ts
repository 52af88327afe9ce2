/** Makes the Workers runtime end with this process, and tells when it ends by itself. */
import type { ChildProcess } from "node:child_process";
import { channel } from "node:diagnostics_channel";
import { createRequire } from "node:module";
import { join } from "node:path";

export interface RuntimeEnd {
  /** `SIGKILL`, or `exit code 1`. */
  reason: string;
}

/**
 * Has Miniflare start the runtime through end-with-parent.sh, and reports each end of it through `onEnd`.
 *
 * Miniflare has no hook for the moment the runtime ends, only for when it is back; Node announces each process that is
 * started. Must run before Miniflare is imported and started.
 */
export function watchRuntime(onEnd: (end: RuntimeEnd) => void): void {
  process.env.REAL_RUNTIME = runtimePath();
  process.env.MINIFLARE_WORKERD_PATH = join(import.meta.dirname, "end-with-parent.sh");
  channel("child_process").subscribe((message) => {
    const { process: runtime } = message as { process: ChildProcess };
    runtime.once("exit", (code, signal) => {
      // Its watch waits at the other end of this pipe, and would end a stranger that gets the same process id later.
      runtime.stdio[3]?.destroy();
      onEnd({ reason: signal ?? `exit code ${code}` });
    });
  });
}

/** The runtime is Miniflare's dependency, not ours: it is found from there. */
function runtimePath(): string {
  const miniflare = createRequire(import.meta.url).resolve("miniflare");
  return createRequire(miniflare)("workerd").default;
}

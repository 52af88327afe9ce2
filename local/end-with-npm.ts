const POLL_MS = 250;

/**
 * Calls `onEnd` once npm is gone, where npm started this process.
 *
 * npm passes SIGINT and SIGTERM on, but nobody can pass SIGKILL on; without this, a killed `npm start` would leave
 * everything running. The script of package.json is an `exec`, so that npm, and not a shell of it, is the parent. Started
 * without npm, a process may outlive whoever started it.
 */
export function endWithNpm(onEnd: () => void): void {
  if (process.env.npm_lifecycle_event === undefined) return;
  const parent = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(timer);
    onEnd();
  }, POLL_MS);
  timer.unref();
}

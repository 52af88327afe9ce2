/** Aborts on SIGTERM or SIGINT, or when the process that started this one is gone; its reason says which. */
export function stopSignal(): AbortSignal {
  const stop = new AbortController();
  for (const reason of ["SIGTERM", "SIGINT", "disconnect"] as const) {
    process.once(reason, () => stop.abort(reason));
  }
  // Who started it may be gone before the listener was there.
  if (process.connected === false) stop.abort("disconnect");
  return stop.signal;
}

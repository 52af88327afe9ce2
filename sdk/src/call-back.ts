/** Calls an application's callback. What it throws is the application's to see, and must not leave a queue half changed. */
export function callBack<Args extends unknown[]>(
  callback: ((...args: Args) => void) | undefined,
  ...args: Args
): void {
  try {
    callback?.(...args);
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}

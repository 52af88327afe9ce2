import type { EventQueue } from "./event-queue.ts";

/**
 * The queue, sending whenever its page is hidden, until it is closed. A hidden page may never be heard of again, and says
 * so with one event or the other: mobile browsers often with `visibilitychange` alone.
 */
export function flushOnPageHide(queue: EventQueue): EventQueue {
  const onVisibility = () => {
    if (document.visibilityState === "hidden") queue.sendBeforeHide();
  };
  const onPageHide = () => queue.sendBeforeHide();
  document.addEventListener("visibilitychange", onVisibility);
  addEventListener("pagehide", onPageHide);
  return {
    ...queue,
    close(options) {
      document.removeEventListener("visibilitychange", onVisibility);
      removeEventListener("pagehide", onPageHide);
      return queue.close(options);
    },
  };
}

import { type Logger, pino } from "pino";

/** A log of the shape the Workers write: one JSON object a line. */
export function createServiceLog(): Logger {
  return pino({
    base: { service: "origin" },
    messageKey: "message",
    timestamp: () => `,"at":"${new Date().toISOString()}"`,
    formatters: { level: (label) => ({ level: label }) },
  });
}

/** Structured logs: one JSON object a line, with the trace id that the client was told. */

export type LogLevel = "debug" | "info" | "warn" | "error";
export type LogFields = Record<string, string | number | boolean | null | undefined>;
export type Log = (level: LogLevel, message: string, fields?: LogFields) => void;

/** A log of one service that writes to the console, which Workers Logs and the local stack collect. */
export function consoleLog(service: string, wallNow: () => number): Log {
  return (level, message, fields = {}) => {
    const at = new Date(wallNow()).toISOString();
    console.log(JSON.stringify({ level, at, service, message, ...fields }));
  };
}

/** What an unknown thrown value says, for a log field. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}

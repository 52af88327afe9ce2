/** What a command prints: lines and progress for people, one JSON document for scripts. */
import { SingleBar } from "cli-progress";

export interface Output {
  /** A line for people. */
  line(text: string): void;
  /** Shows how far long work has come: a bar on a terminal, a line now and then elsewhere. */
  progress(label: string, total: number): Progress;
  /** The result, as the only thing on standard output when it was asked for as JSON; else `text` for people. */
  result(json: unknown, text: string): void;
}

export interface Progress {
  /** `done` of the total. */
  update(done: number): void;
  stop(): void;
}

/** Without a terminal a line is printed each time so many percent more are done. */
const LINE_EVERY_PERCENT = 10;

/** With `json`, everything but the result goes to standard error. */
export function createOutput(json: boolean): Output {
  const stream = json ? process.stderr : process.stdout;
  const line = (text: string) => {
    stream.write(`${text}\n`);
  };
  return {
    line,
    progress: (label, total) =>
      stream.isTTY ? barOn(stream, label, total) : linesOf(line, label, total),
    result(value, text) {
      if (json) process.stdout.write(`${JSON.stringify(value)}\n`);
      else line(text);
    },
  };
}

function barOn(stream: NodeJS.WriteStream, label: string, total: number): Progress {
  const bar = new SingleBar({ stream, format: `${label} {bar} {value}/{total}`, hideCursor: true });
  bar.start(total, 0);
  return { update: (done) => bar.update(done), stop: () => bar.stop() };
}

function linesOf(line: (text: string) => void, label: string, total: number): Progress {
  let printed = 0;
  return {
    update(done) {
      const percent = Math.floor((done / total) * 100);
      if (percent < printed + LINE_EVERY_PERCENT) return;
      printed = percent - (percent % LINE_EVERY_PERCENT);
      line(`${label} ${done}/${total}`);
    },
    stop: () => undefined,
  };
}

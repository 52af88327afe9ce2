/** `origin pull`: what is new in the edge's event log and decision log, into the offline store. */
import type { Command } from "commander";
import { epochMs, SECOND_MS } from "../../domain/units.ts";
import { createDecisionSink } from "../decisions/decision-sink.ts";
import { createDecisionLogClient } from "../edge/decision-log-client.ts";
import { createEventLogClient } from "../edge/event-log-client.ts";
import { createBronzeSink } from "../event-log/bronze-sink.ts";
import type { LogLoss } from "../event-log/log-cursors.ts";
import { BRONZE_BOUNDS } from "../event-log/range-bounds.ts";
import type { LogReading } from "../event-log/read-log.ts";
import { readRound } from "../event-log/read-round.ts";
import { openOfflineStore } from "../offline/offline-store.ts";
import { createOutput, type Output } from "../output.ts";
import { edgeAddressFrom, type GlobalOptions, originFolder } from "../settings.ts";

const PATIENCE_MS = 10 * SECOND_MS;

export function addPullCommand(program: Command): void {
  program
    .command("pull")
    .description(
      "import what is new in the edge's event log and decision log; serve does it by itself",
    )
    .action(async (_: unknown, command: Command) => {
      const failed = await runPull(command.optsWithGlobals<GlobalOptions>());
      if (failed) process.exitCode = 1;
    });
}

/** Returns true when something could not be read, or is not there. */
async function runPull(options: GlobalOptions): Promise<boolean> {
  const output = createOutput(options.json);
  const store = await openOfflineStore(originFolder(options));
  const { database } = store;
  const { signal } = new AbortController();
  const total = { segments: 0, bytes: 0, events: 0, signals: 0, decisions: 0 };
  const losses: LogLoss[] = [];
  const gaps: { writer: string; first: number; last: number }[] = [];
  const wallNow = () => epochMs(Date.now());
  try {
    const address = await edgeAddressFrom(options, process.env);
    const common = {
      ...{ database, wallNow, bounds: BRONZE_BOUNDS },
      onGap: (gap: (typeof gaps)[number]) => gaps.push(gap),
      onLoss: (loss: LogLoss) => losses.push(loss),
    };
    const events: LogReading = {
      ...{
        ...common,
        reader: "bronze",
        client: createEventLogClient(address, PATIENCE_MS, signal),
      },
      sink: createBronzeSink(store, wallNow, (counts) => {
        total.events += counts.events;
        total.signals += counts.signals;
      }),
    };
    const decisions: LogReading = {
      ...{ ...common, reader: "decisions" },
      client: createDecisionLogClient(address, PATIENCE_MS, signal),
      sink: createDecisionSink(store, wallNow, (count) => {
        total.decisions += count;
      }),
    };
    const faults: string[] = [];
    for (const reading of [events, decisions]) {
      faults.push(...(await readToEnd(reading, signal, total, losses, output)));
    }
    for (const { writer, first, last } of gaps) {
      output.line(
        `${writer}: segments ${first} to ${last} are missing; they are waited for a minute`,
      );
    }
    for (const { writer, first, last, reason } of losses) {
      output.line(`${writer}: segments ${first} to ${last} are ${reason}, and gone past`);
    }
    const imported = `${total.segments} segments, ${total.events} events, ${total.signals} signals, ${total.decisions} decisions`;
    output.result({ ...total, gaps, losses, faults }, `${imported} imported.`);
    return faults.length + losses.length + gaps.length > 0;
  } finally {
    store.close();
  }
}

/** Reads until a round finds nothing it can read. Returns what could not be asked. */
async function readToEnd(
  reading: LogReading,
  signal: AbortSignal,
  total: { segments: number; bytes: number },
  losses: readonly LogLoss[],
  output: Output,
): Promise<string[]> {
  for (;;) {
    const lossesBefore = losses.length;
    const { segments, bytes, behindSegments, faults } = await readRound(reading, signal);
    total.segments += segments;
    total.bytes += bytes;
    for (const { detail } of faults) output.line(detail);
    // Behind what was gone past there may be more.
    const isAtEnd = segments === 0 && losses.length === lossesBefore;
    if (faults.length > 0 || isAtEnd) return faults.map(({ detail }) => detail);
    output.line(`${total.segments} segments read, ${behindSegments} to go`);
  }
}

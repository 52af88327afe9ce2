/**
 * Counters, gauges and histograms in the Prometheus text format.
 *
 * prom-client keeps its registry in objects and timers that a Worker has no use for; on the hot path a counter here is
 * one addition to a number. Label values are given when a series is made, never per request.
 */
export type Labels = Record<string, string>;

export interface Counter {
  value: number;
}

export interface Histogram {
  observe(value: number): void;
}

interface Series {
  labels: Labels;
  lines(name: string): string[];
}

interface Family {
  type: "counter" | "gauge" | "histogram";
  help: string;
  series: Map<string, Series>;
}

export interface Metrics {
  counter(name: string, help: string, labels?: Labels): Counter;
  gauge(name: string, help: string, read: () => number, labels?: Labels): void;
  /** `bounds` are upper bounds in ascending order; +Inf is added. */
  histogram(name: string, help: string, bounds: readonly number[], labels?: Labels): Histogram;
  /** The exposition of everything, version 0.0.4. */
  text(): string;
}

export const METRICS_CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8";

/** A registry of its own; each service has one per isolate. */
export function createMetrics(): Metrics {
  const families = new Map<string, Family>();

  function register<S extends Series>(
    type: Family["type"],
    [name, help, labels]: [string, string, Labels],
    make: () => S,
  ): S {
    const family = families.get(name) ?? { type, help, series: new Map() };
    families.set(name, family);
    const key = labelText(labels);
    const known = family.series.get(key);
    if (known) return known as S;
    const made = make();
    family.series.set(key, made);
    return made;
  }

  return {
    counter(name, help, labels = {}) {
      return register("counter", [name, help, labels], () => {
        const series = {
          labels,
          value: 0,
          lines: (family: string) => [`${family}${labelText(labels)} ${series.value}`],
        };
        return series;
      });
    },
    gauge(name, help, read, labels = {}) {
      const lines = (family: string) => [`${family}${labelText(labels)} ${read()}`];
      register("gauge", [name, help, labels], () => ({ labels, lines }));
    },
    histogram(name, help, bounds, labels = {}) {
      return register("histogram", [name, help, labels], () => histogramSeries(bounds, labels));
    },
    text() {
      const lines = [...families].flatMap(([name, { type, help, series }]) => [
        `# HELP ${name} ${help}`,
        `# TYPE ${name} ${type}`,
        ...[...series.values()].flatMap((one) => one.lines(name)),
      ]);
      return `${lines.join("\n")}\n`;
    },
  };
}

function histogramSeries(bounds: readonly number[], labels: Labels): Series & Histogram {
  const counts = new Float64Array(bounds.length + 1);
  let sum = 0;
  return {
    labels,
    observe(value) {
      let bucket = 0;
      while (bucket < bounds.length && value > (bounds[bucket] ?? 0)) bucket++;
      counts[bucket] = (counts[bucket] ?? 0) + 1;
      sum += value;
    },
    lines(name) {
      let running = 0;
      const buckets = [...bounds, "+Inf"].map((le, i) => {
        running += counts[i] ?? 0;
        return `${name}_bucket${labelText({ ...labels, le: String(le) })} ${running}`;
      });
      const suffix = labelText(labels);
      return [...buckets, `${name}_sum${suffix} ${sum}`, `${name}_count${suffix} ${running}`];
    },
  };
}

function labelText(labels: Labels): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`);
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
}

function escaped(value: string): string {
  return value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}

/** Charts of a simulation, as SVG text: drawn in Node, without a browser. */
import { BarChart, LineChart } from "echarts/charts";
import { GridComponent, LegendComponent } from "echarts/components";
import { init, use } from "echarts/core";
import { SVGRenderer } from "echarts/renderers";
import type { SimulationReport } from "./report.ts";

use([BarChart, LineChart, GridComponent, LegendComponent, SVGRenderer]);

const SIZE = { width: 720, height: 320 };
const BEFORE = "#9aa5b1";
const AFTER = "#2563eb";
const LESS = "#b45309";
const GRID = { left: 64, right: 24, top: 40, bottom: 48 };
const SHOWN_MOVERS = 10;

export interface Chart {
  title: string;
  svg: string;
}

export function chartsOf(report: SimulationReport): Chart[] {
  return [
    { title: "How often each multiplier is charged", svg: histogramSvg(report) },
    { title: "Mean multiplier by local hour", svg: hoursSvg(report) },
    ...revenueCharts(report),
    ...(report.movers.places.length === 0
      ? []
      : [{ title: "Biggest movers: change of the mean price", svg: moversSvg(report) }]),
  ];
}

type Option = Parameters<ReturnType<typeof init>["setOption"]>[0];

function svgOf(option: Option, height = SIZE.height): string {
  const chart = init(null, null, { renderer: "svg", ssr: true, width: SIZE.width, height });
  chart.setOption({
    animation: false,
    textStyle: { fontFamily: "system-ui, sans-serif" },
    grid: GRID,
    legend: { top: 4, right: 24 },
    ...option,
  });
  const svg = chart.renderToSVGString();
  chart.dispose();
  return svg;
}

function bothSides(type: "bar" | "line", before: number[], after: number[]) {
  const line = type === "line" ? { symbol: "none", lineStyle: { width: 2 } } : {};
  return [
    { name: "before", type, data: before, color: BEFORE, ...line },
    { name: "after", type, data: after, color: AFTER, ...line },
  ];
}

function histogramSvg({ histogram }: SimulationReport): string {
  return svgOf({
    xAxis: {
      type: "category",
      name: "multiplier",
      nameLocation: "middle",
      nameGap: 28,
      data: histogram.map(({ multiplier }) => multiplier.toFixed(1)),
    },
    yAxis: { type: "value", axisLabel: { formatter: percent } },
    series: bothSides(
      "bar",
      histogram.map(({ before }) => before),
      histogram.map(({ after }) => after),
    ),
  });
}

function hoursSvg({ hours }: SimulationReport): string {
  return svgOf({
    xAxis: {
      type: "category",
      name: "local hour",
      nameLocation: "middle",
      nameGap: 28,
      data: hours.map(({ hour }) => String(hour)),
    },
    yAxis: { type: "value", scale: true },
    series: bothSides(
      "line",
      hours.map(({ before }) => before),
      hours.map(({ after }) => after),
    ),
  });
}

/** One for each currency: their sums have nothing to do with each other. */
function revenueCharts({ days, revenue }: SimulationReport): Chart[] {
  return revenue.map(({ currency }) => {
    const own = days.filter((day) => day.currency === currency);
    const svg = svgOf({
      xAxis: { type: "category", data: own.map(({ date }) => date.slice(5)) },
      yAxis: { type: "value", axisLabel: { formatter: thousands } },
      series: bothSides(
        own.length > 1 ? "line" : "bar",
        own.map(({ before }) => before),
        own.map(({ after }) => after),
      ),
    });
    return { title: `Revenue by day, ${currency}`, svg };
  });
}

function moversSvg({ movers }: SimulationReport): string {
  // The first of a category axis is drawn lowest.
  const shown = movers.places.slice(0, SHOWN_MOVERS).reverse();
  return svgOf(
    {
      grid: { ...GRID, left: 200, top: 16 },
      legend: { show: false },
      xAxis: { type: "value", axisLabel: { formatter: percent } },
      yAxis: {
        type: "category",
        axisLine: { onZero: false },
        data: shown.map(({ region, product }) => `${region} ${product}`),
      },
      series: [
        {
          type: "bar",
          data: shown.map(({ change }) => ({
            value: change,
            itemStyle: { color: change < 0 ? LESS : AFTER },
          })),
        },
      ],
    },
    80 + 24 * shown.length,
  );
}

function percent(share: number): string {
  return `${Number((100 * share).toFixed(1))} %`;
}

function thousands(amount: number): string {
  return amount.toLocaleString("en-US");
}

/** A table for people: the first columns to the left, numbers to the right, and nothing wider than it has to be. */
export function textTable(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  /** So many columns hold text. */
  textColumns = 1,
): string {
  const widths = head.map((title, i) =>
    Math.max(title.length, ...rows.map((row) => row[i]?.length ?? 0)),
  );
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, i) => {
        const width = widths[i] ?? 0;
        return i < textColumns ? cell.padEnd(width) : cell.padStart(width);
      })
      .join("  ")
      .trimEnd();
  return [line(head), line(widths.map((width) => "-".repeat(width))), ...rows.map(line)].join("\n");
}

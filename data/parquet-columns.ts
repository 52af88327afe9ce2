import { readFile } from "node:fs/promises";
import { zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { parquetRead } from "hyparquet";
import { type ColumnSource, parquetWriteFile } from "hyparquet-writer";

/**
 * Small Parquet tables of numbers, read and written column by column.
 *
 * Rows as objects would cost many times the memory of the columns, and the readers want columns.
 */

/** `instant` is a UTC instant in epoch milliseconds, stored as a Parquet timestamp. */
export type ColumnKind = "integer" | "instant" | "decimal";

export interface NumberColumn {
  readonly name: string;
  readonly kind: ColumnKind;
  readonly values: ArrayLike<number>;
}

/**
 * Writes one table, zstd-compressed, as a single row group.
 *
 * Integers and instants are delta-encoded, so sorted columns cost a few bits a row.
 *
 * @param about what the table is and where it comes from; travels inside the file
 */
export async function writeColumns(
  path: string,
  columns: readonly NumberColumn[],
  about: string,
): Promise<void> {
  const rowCount = columns[0]?.values.length ?? 0;
  await parquetWriteFile({
    filename: path,
    codec: "ZSTD",
    compressors: { ZSTD: (page) => zstdCompressSync(page) },
    rowGroupSize: Math.max(1, rowCount),
    kvMetadata: [{ key: "about", value: about }],
    columnData: columns.map((column) => {
      if (column.values.length !== rowCount) {
        const found = column.values.length;
        throw new RangeError(`column ${column.name} has ${found} rows, not ${rowCount}`);
      }
      return sourceOf(column);
    }),
  });
}

function sourceOf({ name, kind, values }: NumberColumn): ColumnSource {
  const encoding = "DELTA_BINARY_PACKED";
  const data = Array.from(values);
  switch (kind) {
    case "integer":
      return { name, data, type: "INT32", nullable: false, encoding };
    case "instant": {
      const dates = data.map((at) => new Date(at));
      return { name, data: dates, type: "TIMESTAMP", nullable: false, encoding };
    }
    case "decimal":
      return { name, data, type: "DOUBLE", nullable: false };
  }
}

/**
 * Reads the named columns of a Parquet file; instants come back as epoch milliseconds.
 *
 * @returns one Float64Array per name, all of the same length, rows in file order
 * @throws RangeError when a column is missing or incomplete
 */
export async function readColumns<Name extends string>(
  path: string | URL,
  names: readonly Name[],
): Promise<Record<Name, Float64Array>> {
  const bytes = await readFile(path);
  const file = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
  const chunks = new Map<string, { rowStart: number; data: ArrayLike<unknown> }[]>();
  await parquetRead({
    file,
    columns: [...names],
    compressors: { ZSTD: (input) => zstdDecompressSync(input) },
    parsers: { timestampFromMilliseconds: Number },
    onChunk: ({ columnName, columnData, rowStart }) => {
      const known = chunks.get(columnName) ?? [];
      known.push({ rowStart, data: columnData });
      chunks.set(columnName, known);
    },
  });
  const lengths = new Set(names.map((name) => rowCountOf(chunks.get(name) ?? [])));
  if (lengths.size > 1)
    throw new RangeError(`${path}: columns ${names.join(", ")} differ in length`);
  const read = names.map((name) => [name, joined(chunks.get(name) ?? [], `${path}: ${name}`)]);
  return Object.fromEntries(read);
}

function rowCountOf(chunks: readonly { data: ArrayLike<unknown> }[]): number {
  return chunks.reduce((sum, chunk) => sum + chunk.data.length, 0);
}

function joined(
  chunks: readonly { rowStart: number; data: ArrayLike<unknown> }[],
  where: string,
): Float64Array {
  const values = new Float64Array(rowCountOf(chunks));
  for (const { rowStart, data } of chunks) {
    for (let row = 0; row < data.length; row++) {
      const value = Number(data[row]);
      if (!Number.isFinite(value))
        throw new RangeError(`${where}, row ${rowStart + row}: not a number`);
      values[rowStart + row] = value;
    }
  }
  return values;
}

/** A figure of the benchmark: a table that a person reads, and the same numbers as JSON. */
export interface Column {
  readonly key: string;
  readonly label: string;
  /** Digits after the point; left out: the value is shown as it is. */
  readonly digits?: number;
}

export type Row = Readonly<Record<string, string | number>>;

export interface Figure {
  readonly name: string;
  readonly title: string;
  readonly columns: readonly Column[];
  readonly rows: readonly Row[];
  readonly notes: readonly string[];
}

function cell(row: Row, { key, digits }: Column): string {
  const value = row[key];
  if (value === undefined) return "";
  return typeof value === "number" && digits !== undefined ? value.toFixed(digits) : String(value);
}

/** Numbers to the right, text to the left. */
export function tableOf(figure: Figure): string {
  const columns = figure.columns.map((column) => {
    const cells = [column.label, ...figure.rows.map((row) => cell(row, column))];
    const width = Math.max(...cells.map((text) => text.length));
    const toRight = column.digits !== undefined;
    return cells.map((text) => (toRight ? text.padStart(width) : text.padEnd(width)));
  });
  const lines = columns[0]!.map((_, at) =>
    columns
      .map((cells) => cells[at])
      .join("  ")
      .trimEnd(),
  );
  const rule = "─".repeat(Math.max(...lines.map((line) => line.length)));
  return [figure.title, rule, lines[0], rule, ...lines.slice(1), ...figure.notes.map((note) => `  ${note}`), ""].join("\n");
}

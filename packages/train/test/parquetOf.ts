import { parquetWriteBuffer } from "hyparquet-writer";

type SchemaElement = NonNullable<Parameters<typeof parquetWriteBuffer>[0]["schema"]>[number];

/** A Parquet file with a column `messages` of lists of structs of texts. */
export function parquetOf(
  rows: readonly (readonly Readonly<Record<string, string | null>>[])[],
  { codec = "SNAPPY", rowGroupSize }: { codec?: "SNAPPY" | "UNCOMPRESSED"; rowGroupSize?: number } = {},
): Uint8Array {
  const text = (name: string): SchemaElement => ({
    name,
    type: "BYTE_ARRAY",
    converted_type: "UTF8",
    repetition_type: "OPTIONAL",
  });
  const schema: SchemaElement[] = [
    { name: "root", num_children: 1 },
    { name: "messages", repetition_type: "OPTIONAL", num_children: 1, converted_type: "LIST" },
    { name: "list", repetition_type: "REPEATED", num_children: 1 },
    { name: "element", repetition_type: "OPTIONAL", num_children: 2 },
    text("role"),
    text("content"),
  ];
  const file = parquetWriteBuffer({
    columnData: [{ name: "messages", data: [...rows] }],
    schema,
    codec,
    ...(rowGroupSize && { rowGroupSize }),
  });
  return new Uint8Array(file);
}

/** A Parquet file with texts in the columns of these names. */
export function textParquet(columns: Readonly<Record<string, readonly (string | null)[]>>): Uint8Array {
  const columnData = Object.entries(columns).map(([name, data]) => ({
    name,
    data: [...data],
    type: "STRING" as const,
    nullable: true,
  }));
  return new Uint8Array(parquetWriteBuffer({ columnData }));
}

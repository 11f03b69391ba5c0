import { describe, expect, test } from "vitest";
import { parseCsv } from "./csv.ts";
import { seriesInput, type SeriesOptions, seriesWindows } from "./series.ts";
import { splitSource } from "./splitSource.ts";
import { readAll } from "../../test/readAll.ts";

function refused(make: () => unknown, message: string, code = "DATA"): void {
  expect(make).toThrow(expect.objectContaining({ code }));
  expect(make).toThrow(message);
}

describe("CSV", () => {
  test("quotes, a byte order mark, line ends and empty lines", () => {
    const table = parseCsv('\ufeffa, b\r\n1,"x, ""y"""\r\n\r\n"2","line\nbreak"\n3,z', "t.csv");
    expect(table).toMatchObject({ name: "t.csv", columns: ["a", "b"], rows: 3 });
    expect(table.text("b")).toEqual(['x, "y"', "line\nbreak", "z"]);
    expect(table.numbers("a")).toEqual(Float64Array.of(1, 2, 3));
    expect([0, 1, 2].map((row) => table.line(row))).toEqual([2, 4, 6]);
  });

  test("the delimiter can be given", () => {
    expect(parseCsv("a,b;c,d\n1,2;3,4", "t", { delimiter: ";" }).columns).toEqual(["a,b", "c,d"]);
  });

  test.each([
    ["a\tb\n1\t2", ["a", "b"]],
    ["a;b;c,d\n1;2;3", ["a", "b", "c,d"]],
    ['"a;b;c",d\n1,2', ["a;b;c", "d"]],
    ["a\n1", ["a"]],
  ])("%j has the columns %j", (text, columns) => {
    expect(parseCsv(text, "t").columns).toEqual(columns);
  });

  test.each([
    ["a,b\n1,2\n3\n", "t.csv, line 3: expected 2 cells, one for each column of the header, got 1"],
    ['a,b\n"1\n2",2\n3,4,5\n', "t.csv, line 4: expected 2 cells, one for each column of the header, got 3"],
    ["a,a\n1,2", 't.csv, line 1, column 2: expected a name that no other column has, got "a"'],
    ["a,\n1,2", "t.csv, line 1, column 2: expected a name, got an empty cell"],
    ["", "t.csv: expected a header line, got no text"],
    ["a,b\n\n", "t.csv: expected rows below the header, got none"],
    ['a,b\n1,"2\n', "t.csv, line 2: not CSV: Quote Not Closed"],
    ['a,b\n1,"2"x\n', "t.csv, line 2: not CSV: Invalid Closing Quote"],
  ])("%j is refused", (text, message) => {
    refused(() => parseCsv(text, "t.csv"), message);
  });

  test("cells that are no numbers are named by line and column", () => {
    const numbers = (cells: string, missing?: "refuse" | "previous" | "ignore") =>
      parseCsv(`n,other\n${cells.split("|").join(",0\n")},0\n`, "t.csv").numbers("n", missing);
    expect(numbers("-1.5|+.5|1e3| 2 |3.")).toEqual(Float64Array.of(-1.5, 0.5, 1000, 2, 3));
    refused(() => numbers("1|x2"), 't.csv, line 3, column n: expected a number, got "x2"');
    refused(() => numbers("1|0x10"), 'got "0x10"');
    refused(() => numbers("1|Infinity"), 'got "Infinity"');
    refused(() => numbers("1|1e999"), 'got "1e999"');
    refused(() => numbers("1|"), "t.csv, line 3, column n: expected a number, got an empty cell");
    refused(() => numbers("1|NaN"), 't.csv, line 3, column n: expected a number, got "NaN"');
    refused(() => numbers("|NA"), "t.csv, column n: expected numbers, got only empty cells");
    expect(numbers("1||NA|4", "previous")).toEqual(Float64Array.of(1, 1, 1, 4));
    refused(() => numbers("|2", "previous"), "line 2, column n: expected a number");
    expect(numbers("|2|null", "ignore")).toEqual(Float64Array.of(NaN, 2, NaN));
    refused(
      () => parseCsv('n;m\n"1,5";2', "t.csv").numbers("n"),
      'expected a number with a decimal point, got "1,5"',
    );
    const table = parseCsv("temp_max,wind\n1,2", "t.csv");
    refused(() => table.numbers("tempmax"), 't.csv: there is no column "tempmax"; did you mean temp_max?');
    refused(() => table.text("rain"), "the columns are temp_max, wind");
  });

  test("the fingerprint tells contents apart", () => {
    const of = (text: string) => parseCsv(text, "t").fingerprint;
    const texts = ["a,b\n1,2\n3,4", "a,b\n1,2\n3,5", "a,b\n12,\n3,4", "a,b\n1,2"];
    expect(new Set(texts.map(of)).size).toBe(4);
    expect(of("a;b\n1;2\n3;4\n")).toBe(of("a,b\n1,2\n3,4"));
  });
});

describe("windows of a series", () => {
  const table = (rows: number, cell = (row: number) => `${row},${row * row}`) =>
    parseCsv(`x,y\n${Array.from({ length: rows }, (_, row) => cell(row)).join("\n")}`, "s.csv");
  const options: SeriesOptions = {
    columns: ["x", "y"],
    targets: ["y"],
    context: 3,
    horizon: 2,
    mean: [0, 0],
    std: [1, 2],
    heldOut: 0,
  };

  test("inputs and targets, after the last row and after every row", () => {
    const { all } = seriesWindows(table(20), options);
    expect(all.count).toBe(16);
    expect(all.example(4)).toEqual({
      input: Float32Array.of(4, 8, 5, 12.5, 6, 18),
      target: Float32Array.of(24.5, 32),
    });
    const every = seriesWindows(table(20), { ...options, positions: "every", stride: 3 }).all;
    expect(every.count).toBe(6);
    expect(every.example(1)).toMatchObject({ target: Float32Array.of(8, 12.5, 12.5, 18, 18, 24.5) });
    expect(() => all.example(16)).toThrow("there is no window 16");
  });

  test("relative targets are differences from the last row that was read", () => {
    const relative = { ...options, relative: true };
    const last = seriesWindows(table(20), relative);
    expect(last.data).toMatchObject({ relative: true });
    expect(last.all.example(4)).toMatchObject({ target: Float32Array.of(24.5 - 18, 32 - 18) });
    const { all } = seriesWindows(table(20), { ...relative, positions: "every" });
    const changes = [12.5 - 8, 18 - 8, 18 - 12.5, 24.5 - 12.5, 24.5 - 18, 32 - 18];
    expect(all.example(4)).toMatchObject({ target: Float32Array.from(changes) });
  });

  test("windows to train on and held-out windows have no row in common", async () => {
    const { train, heldOut } = seriesWindows(table(40), { ...options, heldOut: 0.25 });
    const rowsOf = async (source = train) =>
      (await readAll(source)).flatMap(({ input, target }) => [
        ...input.filter((_, i) => i % 2 === 0),
        ...(target as Float32Array).map((y) => Math.sqrt(2 * y)),
      ]);
    expect(Math.max(...(await rowsOf(train)))).toBe(29);
    const held = await rowsOf(heldOut);
    expect([Math.min(...held), Math.max(...held)]).toEqual([30, 39]);
  });

  test("a source in the order of time is divided by time, without an overlap", async () => {
    const { all } = seriesWindows(table(40), options);
    const { train, heldOut } = splitSource(all, { heldOut: 0.25 });
    const last = await train.example(train.count - 1);
    const first = await heldOut.example(0);
    expect([train.count, heldOut.count]).toEqual([36 - 9 - 4, 9]);
    expect(Math.sqrt(2 * Number((last.target as Float32Array)[1]))).toBe(26);
    expect(first.input[0]).toBe(27);
    refused(
      () => splitSource(seriesWindows(table(9), options).all),
      "(1 to hold out, 4 that overlap with them and at least 1 to train on), got 5",
    );
  });

  test("the normalisation is that of the rows to train on", async () => {
    const { data, train } = seriesWindows(table(40), {
      columns: ["x"],
      context: 2,
      horizon: 1,
      heldOut: 0.5,
    });
    expect(data).toEqual({
      kind: "series",
      columns: ["x"],
      targets: ["x"],
      mean: [9.5],
      std: [expect.closeTo(Math.sqrt(33.25), 12)],
      context: 2,
      horizon: 1,
    });
    const [first] = await readAll(train, { count: 1 });
    expect(first?.input[0]).toBeCloseTo(-9.5 / Math.sqrt(33.25), 6);
    // The mean of numbers that are all 0.1 is rounded to another one.
    const constant = seriesWindows(
      table(3, () => "0.1,1"),
      { columns: ["x"], context: 2, horizon: 1, heldOut: 0 },
    );
    expect(constant).toMatchObject({ heldOut: undefined, data: { mean: [0.1], std: [1] } });
  });

  test("missing numbers", () => {
    const gaps = table(8, (row) => `${row},${row === 0 || row === 4 ? "" : row}`);
    refused(() => seriesWindows(gaps, options), "s.csv, line 2, column y: expected a number");
    const { all, data } = seriesWindows(gaps, { ...options, missing: "ignore" });
    // The input is 0, the mean, in row 0, and the number before in row 4.
    expect(all.example(0)).toEqual({
      input: Float32Array.of(0, 0, 1, 0.5, 2, 1),
      target: Float32Array.of(1.5, NaN),
    });
    expect(all.example(2)).toMatchObject({ input: Float32Array.of(2, 1, 3, 1.5, 4, 1.5) });
    // A column without a number in the first rows is no error when its scale is given.
    const late = table(8, (row) => `${row},${row < 6 ? "" : row}`);
    const cut = { ...options, context: 1, horizon: 1, missing: "ignore", heldOut: 0.25 } as const;
    expect(seriesWindows(late, cut).heldOut?.count).toBe(1);
    refused(
      () => seriesWindows(late, { ...cut, std: undefined }),
      "expected numbers in the rows to train on",
    );
    expect(seriesInput(gaps, data, "ignore").subarray(6, 10)).toEqual(Float32Array.of(3, 1.5, 4, 1.5));
  });

  test.each([
    [{ context: 0 }, "CONFIG", "series: context must be a whole number >= 1, got 0"],
    [{ columns: [] }, "CONFIG", "columns must name at least one column"],
    [{ columns: ["x", "x"] }, "CONFIG", 'columns names "x" twice'],
    [{ columns: ["x"] }, "CONFIG", 'the target "y" is not among the columns'],
    [{ heldOut: 1 }, "CONFIG", "heldOut must be a number from 0 to below 1, got 1"],
    [{ std: [1, 0] }, "CONFIG", "std must be 2 finite numbers above 0, one for each column, got 1, 0"],
    [
      { context: 30 },
      "DATA",
      "s.csv, rows in all: expected at least 32 rows (a window of 30 + 2 rows needs 32), got 20",
    ],
    [{ context: 10, heldOut: 0.2 }, "DATA", "s.csv, rows held out: expected at least 12 rows"],
  ])("%j is refused", (change, code, message) => {
    refused(() => seriesWindows(table(20), { ...options, ...change }), message, code);
  });
});
